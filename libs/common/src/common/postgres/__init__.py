"""Postgres is the truth: the pool, the only commit, leases and schedules."""
