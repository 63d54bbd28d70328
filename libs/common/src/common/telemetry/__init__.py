"""Traces, metrics and logs: every name in one registry, one wiring, one redaction."""
