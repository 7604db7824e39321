# The plot: latency over followees, a row for each page, a panel for each kind.
# Reads lines.csv, writes latency.svg.

set terminal svg size 1200,840 background "white" font "sans-serif,13"
set output "latency.svg"
set encoding utf8
set micro
set datafile separator ","
set logscale xy
set xrange [7:7000]
set xtics (10, 100, 1000, 5000)
set ytics format "%.0s %cs"
set grid x y lw 1 lt 1 lc rgb "#e4e4e4"
set linetype 1 lw 2 pt 4 lc rgb "#b2182b"
set linetype 2 lw 2 pt 6 lc rgb "#ef8a62"
set linetype 3 lw 2 pt 8 lc rgb "#c9a227"
set linetype 4 lw 2 pt 10 lc rgb "#2166ac"
set linetype 5 lw 3 pt 7 lc rgb "#1b7837"
set linetype 6 lw 2 pt 7 lc rgb "#a6dba0"
set linetype 7 lw 1 pt 0 lc rgb "#888888"

pages = "first 50th"
kinds = "a b c"
methods = "common lateral timeline inbox actstream unaided floor"
page_title(p) = p eq "first" ? "first page" : "50th page, or the last"
kind_title(k) = k eq "a" ? "active followees" : k eq "b" ? "95 % dormant" : "all dormant"

# one scale for all panels; the columns are page, kind, followees, and a method each
lowest = 1; highest = 1e-9
do for [m = 4:10] {
    stats "lines.csv" skip 1 using (column(m) * 1e-6) nooutput
    lowest = STATS_min < lowest ? STATS_min : lowest
    highest = STATS_max > highest ? STATS_max : highest
}
set yrange [lowest / 1.5 : highest * 1.5]

set multiplot layout 2,3 margins 0.07,0.98,0.14,0.90 spacing 0.07,0.11 \
    title "Reading 20 actions of a personal stream: median latency over followees"
do for [p in pages] {
    do for [k in kinds] {
        set title kind_title(k) . ", " . page_title(p)
        if (p eq "50th" && k eq "c") { set key horizontal samplen 3 at screen 0.5, 0.05 center } else { unset key }
        plot for [m = 1:7] "lines.csv" skip 1 \
            using 3:(strcol(1) eq p && strcol(2) eq k ? column(m + 3) * 1e-6 : NaN) \
            with linespoints linetype m title word(methods, m)
    }
}
unset multiplot
