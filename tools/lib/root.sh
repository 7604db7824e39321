# Roots: for each major version of PostgreSQL a small Debian that has it, in a
# folder of the cache, unpacked from packages and never installed.

root_packages=(
    base-files base-passwd bash coreutils dash diffutils dpkg findutils grep gzip
    hostname libc-bin mawk sed tar util-linux
)

# make_root MAJOR: sets root to the folder, made if it is not in the cache, or is
# there with other packages.
make_root() {
    local wanted

    major=$1
    [[ ${suites[$major]:-} ]] ||
        fail "there is no root for PostgreSQL $major, but for" \
            $(printf '%s\n' "${!suites[@]}" | sort)
    (( EUID == 0 )) || fail "to enter a root takes root: call this with sudo"

    root=$cache/root-$major/root
    wanted=$(printf '%s\n' "${root_packages[@]}" "${tool_packages[@]}" "postgresql-$major")
    lock_cache "root-$major" --shared
    ! is_made || return 0
    lock_cache "root-$major" --exclusive
    is_made || {
        echo "Making a root with PostgreSQL $major in ${root%/root}"
        remove_tree "$root"
        download_root "$major" $wanted
        unpack_root
        remove_tree "$archive"
        echo "$wanted" >"$root/packages"
    }
    lock_cache "root-$major" --shared
}

# is_made: whether the root has the packages; it may have more.
is_made() {
    [[ -e $root/packages ]] && ! grep -qvxF -f "$root/packages" <<<"$wanted"
}

# download_root MAJOR PACKAGE...: leaves packages, and what they depend on, in
# the archive.  The headers come without what they depend on: that is a compiler
# for bitcode, which nobody needs.
download_root() {
    local major=$1 lines

    shift
    read -ra lines <<<"${suites[$major]}"
    open_archive "${root%/root}/archive" "${lines[@]/#/deb }"
    apt_there install --download-only "$@"
    (cd "$archive/archives" && apt_there download "postgresql-server-dev-$major")
}

# unpack_root: makes the root of the archive's packages.  No script of theirs is
# run; here is what they would have done.
unpack_root() {
    local package device

    mkdir -p "$root"/{usr/{bin,sbin,lib,lib64},dev/shm,proc,etc,var/lib/dpkg/info}
    for package in bin sbin lib lib64; do
        ln -s "usr/$package" "$root/$package"
    done
    for package in "$archive"/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$package" |
            tar --extract --keep-directory-symlink --directory="$root"
        dpkg-deb --field "$package" | sed '1a Status: install ok installed'
        echo
    done >"$root/var/lib/dpkg/status"

    ldconfig -r "$root"
    [[ -e $root/usr/bin/awk ]] || ln -s mawk "$root/usr/bin/awk"
    [[ -e $root/usr/bin/sh ]] || ln -s dash "$root/usr/bin/sh"
    cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
    cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
    echo "postgres:x:999:999::/var/lib/postgresql:/bin/sh" >>"$root/etc/passwd"
    echo "postgres:x:999:" >>"$root/etc/group"
    mkdir -p --mode=1777 "$root/tmp"
    chmod 1777 "$root/tmp" "$root/dev/shm"

    while read -r device; do
        mknod --mode=666 "$root/dev/"$device
    done <<<$'null c 1 3\nzero c 1 5\nfull c 1 7\nrandom c 1 8\nurandom c 1 9\ntty c 5 0'
    ln -s /proc/self/fd "$root/dev/fd"
}

# check_in_root VARIABLE=VALUE...: runs tools/check in the root with these variables,
# on a copy of the checkout.  Its processes, and what is mounted for them, are
# seen by nobody else, and cease to be with the first of them.
check_in_root() {
    local tree inside

    tree=$(mktemp -d "$root/tmp/XXXXXX")
    at_end remove_tree "$tree"
    chmod 755 "$tree"
    mkdir -m 1777 "$tree/tmp"
    pack_checkout | tar --extract --no-same-owner --directory="$tree"

    inside=${tree#"$root"}
    lend_network
    env --default-signal=INT,QUIT unshare --mount --pid --ipc --fork --kill-child sh -c '
        mount -t proc proc "$0/proc" && mount -t tmpfs tmpfs "$0/dev/shm" &&
        exec chroot "$0" "$@"' "$root" env --ignore-environment \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        HOME="$inside" TMPDIR="$inside/tmp" "${network[@]}" \
        PG_CONFIG="/usr/lib/postgresql/$major/bin/pg_config" "$@" \
        "$inside/tools/check" <&0 &
    at_end end_process KILL $!
    wait $!
}

# lend_network: lets npm in the root reach the registry that the machine's reaches;
# sets network to variables for it.
lend_network() {
    cp --dereference /etc/resolv.conf /etc/hosts "$root/etc/"
    network=()
    ! command -v npm >/dev/null ||
        network+=("npm_config_registry=$(npm config get registry 2>/dev/null)")
    if [[ ${NODE_EXTRA_CA_CERTS:-} ]]; then
        cp "$NODE_EXTRA_CA_CERTS" "$tree/certificates.pem"
        chmod 644 "$tree/certificates.pem"
        network+=("NODE_EXTRA_CA_CERTS=$inside/certificates.pem")
    fi
}
