# The cluster: a private server in the sandbox, reached by its socket alone.

# start_cluster SETTING...: sets the environment so that every client finds it.
# If server_program is set, that is run for postgres.
start_cluster() {
    local data=$sandbox/data

    export PGHOST=$sandbox PGPORT=5432 PGUSER=postgres
    [[ ${server_log:-} ]] || at_end show_server_log
    server_log=$sandbox/server.log

    as_user initdb --pgdata="$data" --username="$PGUSER" --auth=trust \
        --encoding=UTF8 --locale=C.UTF-8 --no-sync >/dev/null
    {
        cat "$sandbox/temp.conf"
        echo "listen_addresses = ''"
        echo "unix_socket_directories = '$sandbox'"
        printf '%s\n' "$@"
    } | as_user tee --append "$data/postgresql.conf" >/dev/null
    as_user pg_ctl start --pgdata="$data" --log="$server_log" --silent \
        ${server_program:+-p "$server_program" --timeout=600}
}

# stop_cluster: another one can be started then.
stop_cluster() {
    as_user pg_ctl stop --pgdata="$sandbox/data" --mode=fast --silent --timeout=600
    as_user rm -rf "$sandbox/data"
}

# show_server_log: after a failure, prints what the server had to say about
# itself; what it said about statements has been seen by whoever sent them.
show_server_log() {
    (( exit_status != 0 )) && [[ -e $server_log ]] || return 0
    grep -E '(LOG|FATAL|PANIC):  |TRAP: ' "$server_log" | tail -n 20
}

# keep_cluster: leaves the server running when the script ends, and says how it
# is used and how it is removed.
keep_cluster() {
    local stop=("${become[@]}" "$bindir/pg_ctl" -D "$sandbox/data" -m fast stop)

    endings=()
    echo
    echo "The server still runs.  Look around with"
    echo "  psql -h $PGHOST -p $PGPORT -U $PGUSER $PGDATABASE"
    echo "and remove it with"
    echo "  ${stop[*]} && rm -rf $sandbox"
}
