"""The local store of traces: what the services export, kept in a file, bounded in rows and age.

It takes OTLP over HTTP (`POST /v1/traces`, protobuf) and answers as Grafana Tempo does, in OTLP's
JSON: `GET /api/v2/traces/{id}`, and `GET /api/search?tags=name=value` for a message's id. So what
reads it reads Tempo too.
"""
