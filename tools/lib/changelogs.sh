# Changelogs: Debian's own, as real data for the demo.

# find_changelogs: sets CHANGELOGS to the directory of PACKAGE/changelog.Debian.gz.
# Slim images come without them; then they are taken out of packages.
find_changelogs() {
    export CHANGELOGS=/usr/share/doc

    (( $(compgen -G "$CHANGELOGS/*/changelog.Debian.gz" | wc -l) < 100 )) || return 0
    CHANGELOGS=$sandbox/packages/usr/share/doc
    echo "Taking changelogs out of packages, as /usr/share/doc has none"
    as_user mkdir "$sandbox/packages"
    cd "$sandbox/packages"
    download_packages
    unpack_changelogs
    cd "$sandbox/tree"
}

# download_packages: downloads those that this set-up needs, with all that they
# depend on.
download_packages() {
    try_download || { apt update && try_download; }
}

try_download() {
    local names

    names=$(needed_packages | and_their_dependencies | but_small_ones)
    [[ $names ]] && as_user apt-get -qq download $names
}

and_their_dependencies() {
    xargs apt-cache depends --recurse --no-recommends --no-suggests \
        --no-conflicts --no-breaks --no-replaces --no-enhances |
        grep '^[[:alnum:]]' | sort -u
}

# but_small_ones: leaves out packages of more than 2 MB.  They come from the same
# sources as small ones, and so with the same changelogs.
but_small_ones() {
    xargs apt-cache show --no-all-versions 2>/dev/null |
        awk '/^Package: / { name = $2 }
             /^Size: / && $2 < 2e6 { print name }'
}

# unpack_changelogs: some packages have none, but a link to another's.
unpack_changelogs() {
    local package

    for package in *.deb; do
        dpkg-deb --fsys-tarfile "$package" |
            as_user tar --extract --wildcards './usr/share/doc/*/changelog.Debian.gz' 2>/dev/null ||
            true
    done
}
