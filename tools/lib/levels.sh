# Levels: pg_regress, isolation and TAP tests, run one by one and counted.

passed=0
failed=0
failed_tests=()

test_root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")

declare -A level_files=(
    [regress]='test/sql/*.sql'
    [isolation]='test/specs/*.spec'
    [tap]='test/t/*.pl'
)
# the variables of make that say what is run of a level
declare -A level_variable=([regress]=REGRESS [isolation]=ISOLATION [tap]=PROVE_TESTS)
declare -A chosen=()

# choose_tests: sets levels to the ones that LEVELS names, or all, and if TEST has names
# of tests, lets run_level run only these; levels without one of them are left out.
choose_tests() {
    local name level found=

    levels=${LEVELS:-regress isolation tap}
    for level in $levels; do
        [[ ${level_files[$level]:-} ]] ||
            fail "there is no level \"$level\", but" "${!level_files[@]}"
    done
    [[ ${TEST:-} ]] || return 0
    for name in $TEST; do
        # a file's name will do
        name=${name##*/}
        name=${name%.*}
        name=${name//[!a-zA-Z0-9_]/_}
        found=
        for level in $levels; do
            [[ -e $test_root/${level_files[$level]/\*/$name} ]] || continue
            found=$level
            chosen[$level]+="${chosen[$level]:+ }$name"
        done
        [[ $found ]] || fail_without_test "$name"
    done
    levels=$(for level in $levels; do
        [[ ! ${chosen[$level]:-} ]] || echo "$level"
    done | paste --serial --delimiters=' ')
}

# fail_without_test NAME: ends the script, which says which tests have similar names.
fail_without_test() {
    local level files=() words similar

    for level in $levels; do
        files+=("${level_files[$level]/\*/NAME}")
    done
    words=$(tr -s _ '\n' <<<"$1" | grep -E '.{3}' | paste --serial --delimiters='|') || true
    similar=$(all_names | grep -E "^${1:0:3}${words:+|$words}" | sort -u |
        paste --serial --delimiters=' ') || true
    fail "there is no test \"$1\".  ${similar:+Similar ones are: $similar.  }Tests are" \
        "$(printf '%s, ' "${files[@]}")without the folder and the suffix."
}

# all_names: prints the names of the tests of all levels that are asked for.
all_names() {
    local level

    for level in $levels; do
        compgen -G "$test_root/${level_files[$level]}"
    done | sed 's|.*/||; s|[.][^.]*$||'
}

# run_level NAME [VARIABLE=VALUE...]: runs one level of installcheck, if it has any
# files, with these variables of make besides.  A level that ends badly without
# a test that failed, or runs no test at all, counts as a failure.
run_level() {
    local name=$1 log=$sandbox/$1.log ok not_ok status=0

    shift
    compgen -G "$test_root/${level_files[$name]}" >/dev/null || return 0
    if [[ ${chosen[$name]:-} ]]; then
        set -- "${level_variable[$name]}=$(chosen_files "$name")" "$@"
    fi
    show_and_keep "$log" as_user ${make_command:-make} --silent "installcheck-$name" \
        PROVE_FLAGS=--verbose "$@" || status=$?
    if [[ ${may_lack_tap:-} ]] && grep -q '^TAP tests not enabled' "$log"; then
        echo "tap: left out, as this PostgreSQL was built without --enable-tap-tests"
        return
    fi

    ok=$(count_passed "$log")
    not_ok=$(count_failed "$log")
    (( not_ok > 0 || (status == 0 && ok > 0) )) || not_ok=1
    passed=$((passed + ok))
    failed=$((failed + not_ok))
    if (( not_ok > 0 )); then
        failed_tests+=("$name: $(failed_names "$log" "$(new_tests "$name")")")
        show_why "$log" "$name"
    fi
    echo "$name: $ok passed, $not_ok failed"
}

# chosen_files LEVEL: prints the chosen tests as make wants them, TAP tests as files.
chosen_files() {
    local name

    [[ $1 == tap ]] || {
        echo "${chosen[$1]}"
        return
    }
    for name in ${chosen[$1]}; do
        echo "${level_files[$1]/\*/$name}"
    done | paste --serial --delimiters=' '
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

# failed_names LOG NEW: prints the names of the tests, or TAP files, that failed, or of
# the new tests, at which pg_regress gave up.
failed_names() {
    local names

    names=$(sed -nE '
        s|^test ([^ ]+) +\.\.\. FAILED.*|\1|p
        s|^not ok [0-9]+ +[-+] ([a-z0-9_]+) +[0-9]+ ms$|\1|p
        s|^test/t/(.*)\.pl  *\(Wstat:.*|\1|p' "$1" | paste --serial --delimiters=' ')
    [[ ! $2 ]] || names+="${names:+ }$2 (no expected output)"
    echo "${names:-no test was run, or make failed}"
}

# new_tests LEVEL: prints the names of the tests that were to run, and have no expected
# output yet.
new_tests() {
    local levels=$1 name

    [[ $1 != tap ]] || return 0
    for name in ${chosen[$1]:-$(all_names)}; do
        [[ -e $test_root/expected/$name.out ]] || echo "$name"
    done | paste --serial --delimiters=' '
}

# show_and_keep LOG COMMAND...: runs COMMAND with its output on the screen and
# in LOG, but for the names of files of pg_regress that are moved or gone soon.
show_and_keep() {
    local log=$1 screen tee status=0

    shift
    exec {screen}> >(sed --unbuffered -E '
        /^The differences that caused some tests to fail/,/^above is saved in/d
        /^# (The differences that caused|A copy of the test summary)/d' | tee "$log")
    tee=$!
    "$@" >&"$screen" 2>&1 {screen}>&- || status=$?
    exec {screen}>&-
    wait "$tee"
    return "$status"
}

# show_why LOG LEVEL: prints the differences that pg_regress found, which it would
# overwrite with those of the next level, or the ends of what the failed TAP tests have
# written.  For a new test it says where its output is, and what to do with it; "make
# check", whose sandbox goes away, keeps that of each failed test in the checkout.
show_why() {
    local name

    if [[ -e regression.diffs ]]; then
        head -n 400 regression.diffs
        [[ ${checkout:-} || ! -s regression.diffs ]] ||
            echo "All differences are in results/$2.diffs."
        as_user mv regression.diffs "results/$2.diffs"
    fi
    for name in ${checkout:+$(failed_names "$1" "$(new_tests "$2")")}; do
        [[ -e results/$name.out ]] || continue
        mkdir -p "$checkout/results"
        cp "results/$name.out" "$checkout/results"
    done
    for name in $(new_tests "$2"); do
        [[ -e results/$name.out ]] || continue
        echo "The test $name has no expected output, and tests after it were not run." \
            "Read results/$name.out; if it is right, copy it to expected/$name.out."
    done
    sed -n 's|^test/t/\(.*\)\.pl  *(Wstat:.*|\1|p' "$1" |
        while read -r name; do
            tail -n 40 "tmp_check/log/regress_log_$name" 2>/dev/null || true
        done
}

# print_totals: a run that did not even come to its tests has failed, too.
print_totals() {
    (( exit_status == 0 || failed > 0 )) || failed=1
    (( ${#failed_tests[@]} == 0 )) || printf 'failed, %s\n' "${failed_tests[@]}"
    echo "$passed passed, $failed failed"
}
