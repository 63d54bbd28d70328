#!/bin/bash
# What the Kafka image does at its start, as far as docker-compose.yml uses it: KAFKA_A_B is a.b.
set -eu
configuration=/tmp/server.properties
env | grep '^KAFKA_' | grep -v '^KAFKA_HEAP_OPTS=' | while IFS='=' read -r name value; do
    echo "$(echo "${name#KAFKA_}" | tr '[:upper:]_' '[:lower:].')=$value"
done >"$configuration"
run() { java ${KAFKA_HEAP_OPTS:-} -cp '/opt/kafka/*' "$@"; }
[ -e "$KAFKA_LOG_DIRS/meta.properties" ] || run kafka.tools.StorageTool format -t "$(head -c 16 /dev/urandom | base64 | tr '/+' '_-' | cut -c1-22)" -c "$configuration"
exec java ${KAFKA_HEAP_OPTS:-} -cp '/opt/kafka/*' kafka.Kafka "$configuration"
