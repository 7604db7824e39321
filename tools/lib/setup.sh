# The way from a bare machine to a running server, step by step: what "check",
# "demo" and "bench" have in common.

for part in ending postgres packages sandbox cluster; do
    . "$(dirname "${BASH_SOURCE[0]}")/$part.sh"
done

checkout=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")

# set_up: everything that comes before the build.
set_up() {
    forget_environment
    choose_postgres
    install_packages
    bindir=$("$PG_CONFIG" --bindir)
    PATH=$bindir:$PATH
    open_sandbox
}

# forget_environment: drops what the caller's make, or the caller's habits with
# PostgreSQL, would impose on ours.
forget_environment() {
    local name

    exec </dev/null
    unset MAKEFLAGS MFLAGS MAKELEVEL
    for name in ${!PG@}; do
        [[ $name == PG_CONFIG ]] || unset "$name"
    done
    export LC_ALL=C.UTF-8
}
