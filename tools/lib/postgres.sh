# Which PostgreSQL: the one of PG_CONFIG if it can do everything, else the one
# that the distribution prefers.

# ends of names of packages with modules for the server
server_modules=()

# choose_postgres: sets PG_CONFIG, and server_packages to the packages that it
# comes from, unless the caller brought it.
choose_postgres() {
    local major

    server_packages=()
    if [[ ${PG_CONFIG:-} ]]; then
        is_complete "$PG_CONFIG" && return
        echo "$PG_CONFIG lacks a server or PGXS: taking the distribution's PostgreSQL" >&2
    fi

    major=$(distribution_major)
    [[ $major ]] || { apt update; major=$(distribution_major); }
    [[ $major ]] || fail "there is no package \"postgresql\" to be had"
    (( major >= 15 )) || fail "PostgreSQL 15 or later is needed, not $major"
    server_packages=("postgresql-$major" "postgresql-server-dev-$major")
    server_packages+=("${server_modules[@]/#/postgresql-$major-}")
    export PG_CONFIG=/usr/lib/postgresql/$major/bin/pg_config
}

# is_complete PG_CONFIG: does it stand for a server, and for PGXS to build with?
is_complete() {
    local pgxs bindir

    pgxs=$("$1" --pgxs 2>/dev/null) && bindir=$("$1" --bindir) &&
        [[ -e $pgxs && -x $bindir/postgres ]]
}

# distribution_major: prints the major version that Debian's package
# "postgresql" stands for, or nothing where that cannot be known yet.
distribution_major() {
    local major

    major=$(apt-cache depends postgresql 2>/dev/null |
        sed -n 's/^ *Depends: postgresql-\([0-9]*\)$/\1/p') || true
    [[ $major ]] ||
        major=$(/usr/share/postgresql-common/supported-versions 2>/dev/null | tail -n 1)
    echo "$major"
}
