# The sandbox: one temporary directory that holds everything we make, owned by
# the unprivileged user who runs the server, and gone at the end with all that
# still runs in it.

become=()
(( EUID != 0 )) ||
    become=(setpriv --reuid=postgres --regid=postgres --init-groups --)

# as_user COMMAND...: runs COMMAND as the unprivileged user.  It runs in a session
# of its own, which we wait for: so every signal is ours, ends the wait at once,
# and the ending of the sandbox ends COMMAND in good order.
as_user() {
    env --default-signal=INT,QUIT setsid "${become[@]}" "$@" <&0 &
    wait $! || return   # rather than exit, with the caller's redirections on
}

# open_sandbox: makes the directory, with a copy of the checkout to work in.
open_sandbox() {
    local base

    # The path of a socket has at most 107 bytes, and that of a test server's
    # is 30 bytes longer than ours.
    base=$(realpath "${TMPDIR:-/tmp}")
    [[ $base =~ ^[[:alnum:]/._-]{1,60}$ ]] && as_user test -w "$base" || base=/tmp

    sandbox=
    at_end close_sandbox
    sandbox=$(as_user mktemp -d "$base/actstream.XXXXXX")
    export HOME=$sandbox TMPDIR=$sandbox
    as_user mkdir "$sandbox/tree"
    pack_checkout | as_user tar --extract --directory="$sandbox/tree"
    cd "$sandbox/tree"
}

# pack_checkout: prints the files that belong to the project, as tar does.
pack_checkout() {
    list_checkout |
        tar --create --directory="$checkout" --null --files-from=- \
            --ignore-failed-read --warning=no-failed-read
}

# list_checkout: prints the names of the files that belong to the project, each
# followed by a zero byte.
list_checkout() (
    cd "$checkout"
    if [[ -e .git ]]; then
        git -c safe.directory='*' ls-files -z --cached --others --exclude-standard
    else
        find . \( -path ./tmp_check -o -path ./results \) -prune -o \
            -type f ! -name '*.o' ! -name '*.so' ! -name '*.bc' -print0
    fi
)

# build VARIABLE=VALUE...: builds the copy with these variables of make, and
# stages it: no directory of PostgreSQL is touched.
build() {
    # Bitcode serves JIT only, and needs clang.
    as_user make --silent --jobs="$(nproc)" install \
        DESTDIR="$sandbox/stage" with_llvm=no "$@"
    (( $(server_version) < 18 )) || strip_libdir
    server_settings | as_user tee "$sandbox/temp.conf" >/dev/null
}

server_version() {
    "$PG_CONFIG" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/'
}

# strip_libdir: lets pg_upgrade find the staged library.  From 18 on CREATE FUNCTION
# looks for $libdir/actstream in all of dynamic_library_path, but LOAD does not.
strip_libdir() {
    as_user sed -i "s|'\$libdir/|'|" \
        "$sandbox/stage$("$PG_CONFIG" --sharedir)/extension/actstream.control"
}

# server_settings: prints what makes a server find the staged files.
server_settings() {
    local stage=$sandbox/stage

    if (( $(server_version) >= 18 )); then
        echo "extension_control_path = '$stage$("$PG_CONFIG" --sharedir):\$system'"
    else
        echo "extension_destdir = '$stage'"   # Debian's own
    fi
    echo "dynamic_library_path = '$stage$("$PG_CONFIG" --pkglibdir):\$libdir'"
}

# close_sandbox: ends whoever works in the sandbox, and removes it.
close_sandbox() {
    cd /
    [[ $sandbox ]] || return 0
    # An initdb that is ended leaves shared memory behind; one that is not soon
    # ends by itself.
    end_inhabitants 0 --files-with-matches initdb
    end_inhabitants TERM --files-without-match postgres
    end_inhabitants INT --files-with-matches postgres
    rm -rf "$sandbox"
}

# end_inhabitants SIGNAL OPTION PATTERN: ends the processes whose working
# directory is in the sandbox, and whose name grep selects.  Servers that a test
# has left behind are among them.
end_inhabitants() {
    local tick pids

    for tick in {0..99}; do
        pids=$(find /proc/[0-9]*/cwd -maxdepth 0 -lname "$sandbox/*" \
            -printf '%h/comm\n' 2>/dev/null |
            xargs --no-run-if-empty grep -x "$2" "$3" 2>/dev/null | cut -d/ -f3)
        [[ $pids ]] || return 0
        (( tick % 50 )) || kill -s "$1" $pids 2>/dev/null
        sleep 0.1
    done
    echo "in $sandbox, these processes do not end:" $pids >&2
}
