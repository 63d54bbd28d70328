"""The REST edge all services share: problems, identity, pages, probes."""
