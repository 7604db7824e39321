# Majors: the versions of PostgreSQL to test with, and the suites of Debian that
# have them.  The ones of experimental are built on sid.  Of 15 the tests need a
# later minor than bookworm has: one whose plans notice that a role has changed.

declare -A suites=(
    [15]="bookworm bookworm-security"
    [17]="trixie"
    [18]="forky"
    [19]="sid experimental"
)
newest_release=18

# run_elsewhere MAJOR LOG VARIABLE=VALUE...: runs tools/check with another major and
# these variables, its output in LOG too, and counts its tests among ours.
run_elsewhere() {
    local log=$2

    echo "With PostgreSQL $1:"
    show_and_keep "$log" check_root "$1" "${@:3}" || true
    count_elsewhere "$log"
}

# check_root MAJOR VARIABLE=VALUE...: runs tools/check with another major.
check_root() {
    "${as_root[@]}" env XDG_CACHE_HOME="${cache%/*}" "$checkout/tools/check-root" "$@"
}

# count_elsewhere LOG: counts its tests among ours.  If it does not come to its last line,
# that is a failure.
count_elsewhere() {
    local ok=0 not_ok=1 last

    last=$(tail -n 1 "$1")
    [[ ! $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]] ||
        ok=${BASH_REMATCH[1]} not_ok=${BASH_REMATCH[2]}
    passed=$((passed + ok))
    failed=$((failed + not_ok))
}
