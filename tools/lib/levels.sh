# Levels: pg_regress, isolation and TAP tests, run one by one and counted.

passed=0
failed=0

# A level runs when the variables of the two others are empty.
declare -A level_files=(
    [regress]='test/sql/*.sql'
    [isolation]='test/specs/*.spec'
    [tap]='test/t/*.pl'
)
declare -A level_variables=(
    [regress]='ISOLATION= TAP_TESTS='
    [isolation]='REGRESS= TAP_TESTS='
    [tap]='REGRESS= ISOLATION= PROVE_FLAGS=--verbose'
)

# run_level NAME [VARIABLE=VALUE...]: runs one level of installcheck, if it has any
# files, with these variables of make besides.  A level that ends badly without
# a test that failed, or runs no test at all, counts as a failure.
run_level() {
    local name=$1 log=$sandbox/$1.log ok not_ok status=0

    shift
    [[ ${level_files[$name]:-} ]] ||
        fail "there is no level \"$name\", but" "${!level_files[@]}"
    compgen -G "${level_files[$name]}" >/dev/null || return 0
    show_and_keep "$log" as_user make --silent installcheck \
        ${level_variables[$name]} "$@" || status=$?

    ok=$(count_passed "$log")
    not_ok=$(count_failed "$log")
    (( not_ok > 0 || (status == 0 && ok > 0) )) || not_ok=1
    passed=$((passed + ok))
    failed=$((failed + not_ok))
    (( not_ok == 0 )) || show_why "$log"
    echo "$name: $ok passed, $not_ok failed"
}

# Before 16, pg_regress says "test name ... ok" or "... FAILED".  All others
# speak TAP: "ok 1 - name" or "not ok 1 - name", indented where they are part of
# another test.
count_passed() {
    grep -E '^(test .* \.\.\. ok\>|ok [0-9])' "$1" | grep -vc '# *skip' || true
}

# What counts as failed, too: a TAP file that died with no test failed.
count_failed() {
    grep -E '^(test .* \.\.\. FAILED\>|not ok [0-9])|\(Wstat: [1-9].* Failed: 0\)$' "$1" |
        grep -vc '# *TODO' || true
}

# show_and_keep LOG COMMAND...: runs COMMAND with its output on the screen and
# in LOG.
show_and_keep() {
    local log=$1 screen tee status=0

    shift
    exec {screen}> >(tee "$log")
    tee=$!
    "$@" >&"$screen" 2>&1 {screen}>&- || status=$?
    exec {screen}>&-
    wait "$tee"
    return "$status"
}

# show_why LOG: prints the differences that pg_regress found, or the ends of what
# the failed TAP tests have written.
show_why() {
    local name

    if [[ -e regression.diffs ]]; then
        head -n 400 regression.diffs
        rm regression.diffs
    fi
    sed -n 's|^test/t/\(.*\)\.pl  *(Wstat:.*|\1|p' "$1" |
        while read -r name; do
            tail -n 40 "tmp_check/log/regress_log_$name" 2>/dev/null || true
        done
}

# print_totals: a run that did not even come to its tests has failed, too.
print_totals() {
    (( exit_status == 0 || failed > 0 )) || failed=1
    echo "$passed passed, $failed failed"
}
