# Steps of check-deep.  Each prints what it finds, and adds a line to the table.

table=()
relations=0 corruptions=0

# add_line WHAT COUNT REPORTS: adds a line to the table for the current step, which
# has failed if there are any reports.
add_line() {
    table+=("$(printf '%-9s  %-60s  %12s  %7d' "$step" "$1" "$2" "$3")")
    if (( $3 == 0 )); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$step: $3 reports"
    fi
}

print_table() {
    (( ${#table[@]} > 0 )) || return 0
    step=amcheck
    (( relations == 0 )) ||
        add_line "the tables and indexes that the other steps left" "$relations" "$corruptions"
    echo
    printf '%-9s  %-60s  %12s  %7s\n' step what count reports
    printf '%s\n' "${table[@]}"
    echo
}

# open_step VARIABLE=VALUE... -- SETTING...: builds with these variables of make and
# starts a new cluster with these settings.
open_step() {
    local variables=()

    while [[ $1 != -- ]]; do
        variables+=("$1")
        shift
    done
    shift
    as_user make --silent clean
    build "${variables[@]}"
    as_user rm -rf tmp_check
    start_cluster "fsync = off" "$@"
    export TEMP_CONFIG=$sandbox/temp.conf
}

# close_step: looks for damage in the databases, and stops the server.  Its log is
# kept for count_reports.
close_step() {
    check_relations
    stop_cluster
    as_user mv "$server_log" "$sandbox/$step.server.log"
}

check_relations() {
    local log=$sandbox/amcheck.log found=0

    PGOPTIONS="-c debug_discard_caches=0" \
        as_user pg_amcheck --all --install-missing --heapallindexed --parent-check \
        --verbose >"$log" 2>"$log.progress" || found=1
    (( found == 0 )) || found=$(grep -c . "$log") || found=1
    head -n 20 "$log"
    relations=$((relations + $(grep -c 'checking \(heap\|btree\)' "$log.progress" || true)))
    corruptions=$((corruptions + found))
}

# count_reports PATTERN: prints how many lines of the server's logs match.
count_reports() {
    { grep -hE "$1" "$sandbox/$step.server.log" tmp_check/log/*.log 2>/dev/null || true; } |
        tee >(cat >&2) | wc -l
}

crash='TRAP: |was terminated by signal|PANIC:  '

# all_tests, fast_tests: print the names of the regress tests that are asked for, and
# of those that do not take minutes when each statement takes 40 times as long.  Days
# in feed_many: to enlarge one of a million pieces of memory, valgrind sorts them.
all_tests() {
    echo ${TESTS:-$(basename --suffix=.sql --multiple test/sql/*.sql)}
}

fast_tests() {
    all_tests | tr ' ' '\n' | grep -vxE 'feed_many|oracle|stream_bounds|stream_rights' |
        paste --serial --delimiters=' '
}

# count_tests COMMAND...: sets tests to the number of tests that COMMAND counted.
count_tests() {
    local before=$((passed + failed))

    "$@"
    tests=$((passed + failed - before))
}

run_levels() {
    local level

    for level in $levels; do
        if [[ $level == regress ]]; then
            run_level regress REGRESS="$(all_tests)"
        else
            run_level "$level"
        fi
    done
}

step_suite() {
    open_step -- log_error_verbosity=default
    count_tests run_levels
    close_step
    add_line "$levels, with assertions" "$tests tests" "$(count_reports "$crash")"
}

step_parallel() {
    local setting=debug_parallel_query

    (( major >= 16 )) || setting=force_parallel_mode
    open_step -- "$setting=regress"
    count_tests run_level regress REGRESS="$(all_tests)"
    close_step
    add_line "regress, $setting = regress" "$tests tests" "$(count_reports "$crash")"
}

# Those that keep something about tables, types, roles or plans, but for names and track, where
# PostgreSQL's to_jsonb() loses the names of a composite type's columns.  CREATE EXTENSION
# alone takes most of a minute here.
cache_tests="action ddl feed feed_rights follow object_type sentence stream track_move"

step_caches() {
    open_step -- debug_discard_caches=1
    count_tests run_level regress REGRESS="${TESTS:-$cache_tests}"
    close_step
    add_line "some regress tests, debug_discard_caches = 1" \
        "$tests tests" "$(count_reports "$crash")"
}

step_valgrind() {
    local logs=$sandbox/valgrind

    as_user mkdir -p "$logs"
    printf '%s\n' '#!/bin/sh' "exec valgrind --quiet --trace-children=yes --leak-check=no \\
        --suppressions='$sandbox/server/share/valgrind.supp' \\
        --fullpath-after='$sandbox/tree/' --log-file='$logs/%p' '$bindir/postgres' \"\$@\"" |
        as_user tee "$sandbox/postgres-valgrind" >/dev/null
    as_user chmod +x "$sandbox/postgres-valgrind"

    server_program=$sandbox/postgres-valgrind
    open_step -- autovacuum=off
    unset server_program
    count_tests run_level regress REGRESS="$(fast_tests)"
    stop_cluster
    add_line "regress but the four longest, under valgrind ($(valgrind_blocks .) elsewhere)" \
        "$tests tests" "$(valgrind_blocks '[(]src/')"
}

# valgrind_blocks PATTERN: counts, and for ours shows, the blocks of valgrind's logs
# that PATTERN matches; those elsewhere without ours.
valgrind_blocks() {
    cat "$logs"/* | sed -E 's/^==[0-9]+== ?//; s/^\*\*[0-9]+\*\* ?//' |
        awk -v RS= -v ORS='\n\n' -v pattern="$1" '
            pattern == "." ? !/[(]src\// : $0 ~ pattern { n++; if (pattern != ".") print > "/dev/stderr" }
            END { printf "%d", n }'
}

step_ubsan() {
    open_step COPT="-fsanitize=undefined" -- log_error_verbosity=default
    count_tests run_level regress REGRESS="$(all_tests)"
    close_step
    add_line "regress, the library with -fsanitize=undefined" "$tests tests" \
        "$(count_reports "runtime error: |$crash")"
}

step_coverage() {
    local figures

    open_step COPT="--coverage -O0" -- log_error_verbosity=default
    count_tests run_levels
    close_step
    figures=$(as_user find src -name '*.gcda' -exec gcov --no-output {} + 2>/dev/null |
        awk -F"[:% ']" '
            /^File/ { file = $3 }
            /^Lines executed/ && file ~ /^src\/.*\.[ch]$/ && !(file in seen) {
                seen[file]; lines += $6; hit += $6 * $3 / 100
                printf "%6.2f %% of %5d lines  %s\n", $3, $6, file > "/dev/stderr"
            }
            END { printf "%.1f %% of %d lines", lines ? hit * 100 / lines : 0, lines }')
    add_line "$levels: lines of src/ that run" "${figures%% of*}" "$(count_reports "$crash")"
}

step_smith() {
    local queries

    open_step -- log_error_verbosity=verbose "log_line_prefix = '%e '"
    as_user createdb smith
    PGDATABASE=smith as_user psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
        --output=/dev/null --file=test/deep/smith.sql
    as_user timeout "$smith" sqlsmith --exclude-catalog --seed=1 \
        --target="host=$PGHOST port=$PGPORT dbname=smith user=smith" >/dev/null 2>&1 || true
    queries=$(as_user psql --no-psqlrc --tuples-only --no-align --command="
        SELECT xact_rollback FROM pg_stat_database WHERE datname = 'smith'" smith)
    close_step
    add_line "random queries by sqlsmith, $smith s" "$queries" \
        "$(( $(internal_errors) + $(count_reports "$crash") + (queries < smith) ))"
}

# internal_errors: prints how many errors that cannot happen were raised by our code.
internal_errors() {
    grep -A 4 '^XX[0-9]\{3\} ERROR:' "$sandbox/$step.server.log" |
        grep 'LOCATION: ' | grep -E "$(find src -name '*.c' -printf '%f\n' | paste --serial --delimiters='|')" |
        tee >(cat >&2) | wc -l
}

step_fuzz() {
    open_step -- log_error_verbosity=default
    as_user createdb fuzz
    as_user psql --no-psqlrc --quiet --command="CREATE EXTENSION actstream" fuzz
    run_counting "$fuzz inputs of the reference type, and as many pairs" "$crash" fuzz_rounds
}

# fuzz_rounds: rounds of 100000 inputs, each with another seed.
fuzz_rounds() {
    local done_ size

    for ((done_ = 0; done_ < fuzz; done_ += size)); do
        size=$((fuzz - done_ < 100000 ? fuzz - done_ : 100000))
        as_user /usr/bin/python3 test/fuzz/ref_fuzz.py dbname=fuzz \
            --seed "$((done_ / 100000 + 1000))" --inputs "$size" --pairs "$size" || return
    done
}

step_kill() {
    open_step -- log_error_verbosity=default
    as_user createdb kill
    run_counting "$kills times kill -9 among writers: what was acknowledged" \
        'TRAP: |PANIC:  |was terminated by signal [^9]' \
        as_user /usr/bin/python3 test/deep/kill.py "$sandbox/data" dbname=kill --kills "$kills"
}

step_marks() {
    open_step -- max_prepared_transactions=20 log_error_verbosity=default "shared_preload_libraries='actstream'"
    as_user createdb marks
    as_user psql -X -q -v ON_ERROR_STOP=1 -d marks -c "CREATE EXTENSION actstream" \
        -c "DO 'BEGIN PERFORM actstream.create_tables(); END'" -f test/lib/plain_streams.sql
    run_counting "operations of six sessions, notifications compared with a brute force" "$crash" \
        as_user /usr/bin/python3 test/deep/marks.py dbname=marks "$marks"
}

step_live() {
    local conf=(max_prepared_transactions=100 max_connections=200 track_commit_timestamp=on
        log_error_verbosity=default "shared_preload_libraries='actstream'" actstream.doorbell=on)

    open_step -- "${conf[@]}"
    as_user createdb live
    run_counting "changes told to consumers among writers and kills" \
        'TRAP: |PANIC:  |was terminated by signal [^9]' \
        as_user /usr/bin/python3 test/deep/live.py "$sandbox/data" dbname=live --changes "$changes"
}

step_memory() {
    open_step -- log_error_verbosity=default
    as_user createdb memory
    run_counting "calls of each of some functions; memory does not grow" "$crash" \
        as_user /usr/bin/python3 test/deep/memory.py dbname=memory --calls "$calls"
}

# run_counting WHAT PATTERN COMMAND...: runs a program that prints lines "PROPERTY:
# N checked, M wrong", and adds the sum to the table, with what matches PATTERN in
# the server's log among the reports.
run_counting() {
    local what=$1 pattern=$2 log=$sandbox/$step.log status=0 checked wrong

    shift 2
    show_and_keep "$log" "$@" || status=$?
    read -r checked wrong < <(sed -nE 's/^.*: ([0-9]+) checked, ([0-9]+) wrong.*/\1 \2/p' "$log" |
        awk '{ checked += $1; wrong += $2 } END { print checked + 0, wrong + 0 }')
    close_step
    (( status == 0 && checked > 0 || wrong > 0 )) || wrong=1
    add_line "$what" "$checked" "$((wrong + $(count_reports "$pattern")))"
}
