#!/bin/sh
# The whole path on containers: images built, the system started, the sample sold, each container restarted,
# each service replaced by a new image, the sample's shop looked at after each: `deploy/tests/containers.sh`.
# Skipped where no Docker engine answers (DOCKER_HOST says where). COMPOSE names Compose 2.20 or newer;
# STAND_INS a folder for images made without a registry (stand-ins.sh); ENTER a command that enters the
# engine's network, where that is not the machine's own.
set -eu
cd "$(dirname "$0")/../.."
docker info >/dev/null 2>&1 || { echo "skipped: no Docker engine answers"; exit 0; }
compose=${COMPOSE:-docker compose}
enter=${ENTER:-}
project=channel-tried
environment=$(mktemp -d)/env
if [ -n "${STAND_INS:-}" ]; then
    deploy/tests/stand-ins.sh "$STAND_INS"
    export PYTHON_IMAGE=standin/python POSTGRES_IMAGE=standin/postgres KAFKA_IMAGE=standin/kafka
    without_network="--network none"
fi
step() { echo "$(date -u +%H:%M:%S) $*"; }
on() { $compose -p "$project" --env-file "$environment" "$@"; }
build() { # member module bill prefix more
    # shellcheck disable=SC2086  # a list of words
    docker build -q ${without_network:-} -f deploy/Dockerfile -t "channel/$1" \
        --build-arg "PYTHON_IMAGE=${PYTHON_IMAGE:-python:3.11-slim-bookworm}" --build-arg "MEMBER=$2" \
        --build-arg "MODULE=$3" --build-arg "BILL=$4" --build-arg "SETTINGS_PREFIX=$5" \
        --build-arg "VERSION=${VERSION:-first}" ${6:+--build-arg "$6"} ${7:+--build-arg "$7"} . >/dev/null
}
build_service() {
    case $1 in
        auth-service) build $1 services/$1 auth_service $1 AUTH ;;
        catalog-service) build $1 services/$1 catalog_service $1 CATALOG ;;
        feed-publisher) build $1 services/$1 feed_publisher $1 PUBLISHER ;;
        order-importer) build $1 services/$1 order_importer $1 ORDERS ;;
        sandbox) build sandbox sandbox sandbox channel-sandbox SANDBOX LIBRARIES= HEALTH_PATH=/control/health ;;
    esac
}
healthy() { # waits until every container that runs on is healthy
    left=60
    while [ "$left" -gt 0 ]; do
        waiting=$(on ps --format '{{.Service}} {{.Health}}' | awk '$2 != "healthy" { print $1 }')
        count=$(on ps --services | wc -l)
        [ -z "$waiting" ] && [ "$count" -ge 7 ] && return 0
        left=$((left - 1))
        sleep 2
    done
    echo "not healthy: $waiting"
    on ps -a
    on logs --tail 15 "${waiting:-kafka}"
    return 1
}
as_operator() { # the command line, as an operator of the composed system
    secret=$(sed -n 's/^OPERATOR_CLIENT_SECRET=//p' "$environment")
    # shellcheck disable=SC2086  # a command with its words
    $enter env CHANNEL_AUTH_URL=http://127.0.0.1:8001 CHANNEL_CATALOG_URL=http://127.0.0.1:8002 \
        CHANNEL_PUBLISHER_URL=http://127.0.0.1:8003 CHANNEL_ORDERS_URL=http://127.0.0.1:8004 \
        CHANNEL_CLIENT_ID=channel-cli CHANNEL_CLIENT_SECRET="$secret" COLUMNS=120 .venv/bin/channel "$@"
}
ends() { step "ending"; on down -v --remove-orphans >/dev/null 2>&1; rm -rf "$(dirname "$environment")"; }
trap ends EXIT

step "engine $(docker version --format '{{.Server.Version}}'), compose $($compose version --short)"
for member in sandbox auth-service catalog-service feed-publisher order-importer; do
    build_service $member
    step "built channel/$member"
done
docker images --format '{{.Repository}} {{.Size}}' | grep -E 'channel/|standin/python' | sed 's/^/         /'
step "installers left in the image: $(docker run --rm --entrypoint sh channel/auth-service -c 'command -v pip pip3 uv || echo none')"
step "runs as: $(docker run --rm --entrypoint id channel/auth-service)"
ENV_FILE=$environment deploy/make-env.sh
on config -q
on up -d --no-build >/dev/null 2>&1 || { on ps -a; on logs --tail 30; exit 1; }
healthy
step "all healthy: $(on ps --services | tr '\n' ' ')"
# shellcheck disable=SC2086  # a command with its words
$enter .venv/bin/python deploy/tests/demo_on_compose.py "$environment"
step "the sample is sold"
as_operator shops list --merchant lumo
for service in $(on ps --services); do
    on restart "$service" >/dev/null 2>&1
    healthy
    as_operator orders list --merchant lumo >/dev/null
    step "restarted $service"
done
for service in auth-service catalog-service feed-publisher order-importer; do
    VERSION=second build_service $service
    on up -d --no-build --no-deps "$service" >/dev/null 2>&1
    healthy
    as_operator orders list --merchant lumo >/dev/null
    container=$(on ps -q "$service")
    step "updated $service to $(docker inspect --format '{{index .Config.Labels "org.opencontainers.image.version"}}' "$container")"
done
as_operator shops list --merchant lumo
as_operator dead-letters list --every-merchant
step "well"
