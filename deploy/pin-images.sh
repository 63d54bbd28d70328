#!/bin/sh
# Prints the images of a release by digest, as they are today: `deploy/pin-images.sh >> .env`. Compose then
# builds on and runs exactly these; needs a registry and Docker's buildx.
set -eu
pinned() {
    digest=$(docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$2")
    echo "$1=$2@$digest"
}
pinned PYTHON_IMAGE python:3.11-slim-bookworm
pinned POSTGRES_IMAGE postgres:18
pinned KAFKA_IMAGE apache/kafka:4.3.1
