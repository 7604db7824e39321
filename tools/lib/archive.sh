# The archive: any of Debian's suites, without a change of the machine's own
# sources of packages.  apt keeps its state in a folder of ours.

# open_archive FOLDER LINE...: makes FOLDER the state of apt_there, with sources
# as LINE says: "deb SUITE" or "deb-src SUITE".  Of experimental, which else is
# asked last, we want PostgreSQL.
open_archive() {
    local line suite

    archive=$1
    shift
    mkdir -p "$archive"/{lists,archives}/partial
    : >"$archive/status"
    for line; do
        suite=${line#* }
        echo "${line% *} [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
            "$(mirror "$suite") $suite main"
    done >"$archive/sources"
    printf '%s\n' "Package: postgresql-* libpq5 libpq-dev" \
        "Pin: release a=experimental" "Pin-Priority: 990" >"$archive/preferences"
    apt_there update
}

# mirror SUITE: prints the address that the machine's own sources have for such a
# suite, or Debian's.
mirror() {
    local folder=debian

    [[ $1 != *-security ]] || folder=debian-security
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
        grep -m 1 "/$folder/\$" || echo "http://deb.debian.org/$folder/"
}

# apt_there ARGUMENTS...: apt-get with the state in the archive's folder.
apt_there() {
    # An image of sid may be older than it says to be valid.
    apt-get --yes -qq -o APT::Install-Recommends=false \
        -o APT::Sandbox::User=root -o Acquire::Retries=3 \
        -o Acquire::Check-Valid-Until=false \
        -o Dir::Etc::SourceList="$archive/sources" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::Etc::Preferences="$archive/preferences" \
        -o Dir::Etc::PreferencesParts=/dev/null \
        -o Dir::State="$archive" -o Dir::State::Lists="$archive/lists" \
        -o Dir::State::Status="$archive/status" \
        -o Dir::Cache="$archive" -o Dir::Cache::Archives="$archive/archives" \
        "$@"
}
