#!/bin/sh
# Writes the secrets that docker-compose.yml asks for into .env (ENV_FILE names another), once; needs openssl.
set -eu
cd "$(dirname "$0")/.."
file=${ENV_FILE:-.env}
[ ! -e "$file" ] || { echo "$file exists: it is kept" >&2; exit 0; }
random() { openssl rand -hex 24; }
umask 077
services="CATALOG PUBLISHER ORDERS"
{
    echo "POSTGRES_PASSWORD=$(random)"
    for prefix in AUTH $services; do
        echo "${prefix}_DB_PASSWORD=$(random)"
        echo "${prefix}_SERVICE_DB_PASSWORD=$(random)"
    done
    echo "APP_SECRET=$(random)"
    echo "MASTER_KEYS=compose-1:$(openssl rand -base64 32)"
    echo "SIGNING_KEY=\"$(openssl genpkey -algorithm ed25519)\""
    clients=""
    for prefix in $services OPERATOR; do
        secret=$(random)
        case $prefix in
            CATALOG) id=catalog-service scope=token:read ;;
            PUBLISHER) id=feed-publisher scope=token:read ;;
            ORDERS) id=order-importer scope=token:read ;;
            OPERATOR) id=channel-cli scope=operator ;;
        esac
        echo "${prefix}_CLIENT_SECRET=$secret"
        clients="$clients${clients:+,}{\"client_id\":\"$id\",\"secret\":\"$secret\",\"scopes\":[\"$scope\"]}"
    done
    echo "BOOTSTRAP_CLIENTS='[$clients]'"
} >"$file.draft"
mv "$file.draft" "$file"
