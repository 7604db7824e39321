# The server that looks for mistakes: PostgreSQL of Debian's source package, with
# assertions, and with what valgrind is to know of its memory.

tool_packages+=(
    bison bzip2 flex patch pkg-config xz-utils               # its build
    libicu-dev libxml2-dev zlib1g-dev
    valgrind
)

# feeds are made with libxml
server_options=(
    --enable-cassert --enable-debug --enable-tap-tests --without-readline
    --with-icu --with-libxml
    CFLAGS="-O1 -fno-omit-frame-pointer" CPPFLAGS="-DUSE_VALGRIND"
)

# use_assert_server: puts such a server, of the major version $major, into the
# sandbox, and chooses it.  One in the cache that had other options is made anew.
use_assert_server() {
    local kept=$cache/assert-server/$major.tar

    lock_cache assert-server --exclusive
    [[ -e $kept && -e $kept.options && $(<"$kept.options") == "${server_options[*]}" ]] ||
        make_assert_server "$kept"
    as_user mkdir "$sandbox/server"
    as_user tar --extract --directory="$sandbox/server" <"$kept"
    lock_cache assert-server --unlock
    bindir=$sandbox/server/bin
    export PG_CONFIG=$bindir/pg_config PATH=$bindir:$PATH
    export LD_LIBRARY_PATH=$sandbox/server/lib   # else psql takes the machine's libpq
}

# make_assert_server ARCHIVE: builds the server in the sandbox, and packs it.  It
# works wherever it is unpacked.
make_assert_server() {
    local source=$sandbox/source built=$sandbox/built file lines version

    read -ra lines <<<"${suites[$major]/ *-security/}"
    open_archive "${1%/*}/archive" "${lines[@]/#/deb-src }"
    version=$(apt_there --print-uris source "postgresql-$major" |
        sed -n "s/^'.*' \([^ ]*\)\.dsc .*/\1/p")
    echo "Building a server with assertions from the source package $version"
    (cd "$archive" && apt_there --download-only source "postgresql-$major")
    as_user mkdir "$source" "$built"
    for file in orig debian; do
        cat "$archive"/*."$file".tar.* >"$archive/$file"
    done
    as_user tar --extract --bzip2 --strip-components=1 --directory="$source" <"$archive/orig"
    as_user tar --extract --xz --directory="$source" <"$archive/debian"
    remove_tree "$archive"
    compile_assert_server
    as_user cp "$source/src/tools/valgrind.supp" "$built/share"
    as_user tar --create --directory="$built" . >"$1.new"
    rm -f "$1.options"
    mv "$1.new" "$1"
    echo "${server_options[*]}" >"$1.options"
    as_user rm -rf "$source" "$built"
}

compile_assert_server() {
    local log=$sandbox/assert_server.log

    (
        cd "$source"
        # the setting that lets a server before 18 find extensions elsewhere
        (( major >= 18 )) ||
            as_user patch --silent --strip=1 --input=debian/patches/extension_destdir
        as_user ./configure --quiet --prefix="$built" "${server_options[@]}"
        as_user make --silent --jobs="$(nproc)"
        for folder in . contrib src/test/isolation src/test/perl; do
            as_user make --silent --jobs="$(nproc)" --directory="$folder" install
        done
    ) >"$log" 2>&1 &
    wait $! || {
        tail -n 20 "$log" >&2
        fail "the server cannot be built"
    }
}
