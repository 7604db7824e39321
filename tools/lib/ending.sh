# Endings: whoever opens something says at once how it is closed, and it will
# be, however the script ends.

endings=()

# at_end COMMAND...: runs COMMAND when the script ends.  The last one comes
# first.
at_end() {
    endings+=("${*@Q}")
}

# fail MESSAGE: ends the script.
fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# end_process SIGNAL PID: sends SIGNAL to a process that we have started, and waits
# for its end.
end_process() {
    kill -s "$1" "$2" 2>/dev/null
    wait "$2" 2>/dev/null
}

run_endings() {
    exit_status=$?
    local i

    trap '' HUP INT PIPE TERM
    set +e
    for ((i = ${#endings[@]} - 1; i >= 0; i--)); do
        eval "${endings[i]}"
    done
    exit "$exit_status"
}

trap run_endings EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM
