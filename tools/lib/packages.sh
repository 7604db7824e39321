# Packages: what must be installed, and installing what is not.

tool_packages=(
    gcc make libc6-dev                       # the build
    perl libipc-run-perl libio-pty-perl      # prove, and PostgreSQL's test modules
    python3 python3-psycopg python3-debian   # fuzz tests, and the demo's loader
)

# What TAP tests look at results with, readers of feeds and a browser; what they use
# the server with, and what they put in front of it.
tap_packages=(
    libxml2-utils python3-feedparser libxml-feed-perl
    chromium fonts-dejavu-core
    python3-psycopg2 python3-django python3-sqlalchemy
    ruby-activerecord ruby-pg
    libpostgresql-jdbc-java default-jdk-headless
    pgbouncer
)
# what they put beside our module: the ends of names of the server's packages
tap_modules=(cron pgaudit)
# npm gets the reader of Activity Streams 2.0, and clients in JavaScript; some other
# Nodes bring it along, and do not go together with Debian's
node_packages=(nodejs npm)

as_root=()
(( EUID == 0 )) || as_root=(sudo)

# needed_packages: prints the names, a line each.
needed_packages() {
    printf '%s\n' "${tool_packages[@]}" "${server_packages[@]}"
}

# install_packages: installs what is missing, and only then needs root.
install_packages() {
    local missing headers others version

    missing=$(needed_packages | grep -vxF "$(installed_packages)") || return 0
    echo "Installing" $missing
    apt update

    # An installed server is not upgraded: its headers are had in its version
    # if there still are any.
    headers=$(grep '^postgresql-server-dev-' <<<"$missing") || true
    others=$(grep -v '^postgresql-server-dev-' <<<"$missing") || true
    [[ ! $others ]] || without_servers apt install $others
    [[ $headers ]] || return 0
    version=$(dpkg-query --show --showformat='${Version}' "${server_packages[0]}")
    apt install "$headers=$version" "libpq-dev=$version" 2>/dev/null ||
        apt install "$headers"
}

installed_packages() {
    dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' |
        sed -n 's/^installed //p'
}

# apt ARGUMENTS...: apt-get, asking nothing.
apt() {
    (( EUID == 0 )) || command -v sudo >/dev/null ||
        fail "neither root nor sudo: let root run apt-get update, and" \
            "apt-get install" $(needed_packages)
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get --yes -qq -o APT::Install-Recommends=false \
        -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=600 "$@" >/dev/null
}

# without_servers COMMAND...: runs COMMAND while Debian's packages are told to
# start nothing, and not to make a cluster, as they else do when they are installed.
without_servers() {
    cluster_veto=/etc/postgresql-common/createcluster.d/zz-actstream.conf
    start_veto=/usr/sbin/policy-rc.d
    [[ ! -e $start_veto ]] || start_veto=    # there is one already
    at_end lift_vetoes
    "${as_root[@]}" mkdir -p "${cluster_veto%/*}"
    "${as_root[@]}" tee "$cluster_veto" <<<"create_main_cluster = false" >/dev/null
    if [[ $start_veto ]]; then
        "${as_root[@]}" tee "$start_veto" <<<$'#!/bin/sh\nexit 101' >/dev/null
        "${as_root[@]}" chmod 755 "$start_veto"
    fi
    "$@"
    lift_vetoes
}

lift_vetoes() {
    if [[ -e $cluster_veto ]]; then
        "${as_root[@]}" rm "$cluster_veto"
        "${as_root[@]}" rmdir --parents --ignore-fail-on-non-empty "${cluster_veto%/*}"
    fi
    [[ ! $start_veto ]] || "${as_root[@]}" rm --force "$start_veto"
    start_veto=
}
