#!/bin/sh
# What the Postgres image does at its start, as far as docker-compose.yml uses it.
set -eu
data=/var/lib/postgresql/data
if [ ! -e "$data/PG_VERSION" ]; then
    umask 077
    printf %s "$POSTGRES_PASSWORD" >/tmp/password
    initdb -D "$data" -U "$POSTGRES_USER" --pwfile /tmp/password --auth-host=scram-sha-256 --auth-local=trust \
        --encoding=UTF8 --locale-provider=builtin --locale=C --builtin-locale=C.UTF-8
    echo "host all all all scram-sha-256" >>"$data/pg_hba.conf"
    pg_ctl -D "$data" -w -o "-c listen_addresses= -k /tmp" start
    for script in /docker-entrypoint-initdb.d/*.sh; do sh "$script"; done
    pg_ctl -D "$data" -w stop
fi
exec postgres -D "$data" -k /tmp -c "listen_addresses=*"
