#!/bin/sh
# Run once by the Postgres image on an empty volume: per service a database, closed to the others, the
# role that owns and migrates it, and the role the service works as, which owns nothing.
set -eu
for service in auth catalog publisher orders; do
    name="channel_$service"
    prefix=$(echo "$service" | tr '[:lower:]' '[:upper:]')
    owner_password=$(printenv "${prefix}_DB_PASSWORD")
    service_password=$(printenv "${prefix}_SERVICE_DB_PASSWORD")
    psql -v ON_ERROR_STOP=1 -v name="$name" -v service="${name}_service" \
        -v owner_password="$owner_password" -v service_password="$service_password" -U "$POSTGRES_USER" -d postgres <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'owner_password';
CREATE ROLE :"service" LOGIN PASSWORD :'service_password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
done
