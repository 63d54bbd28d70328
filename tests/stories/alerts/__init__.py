"""Alerts: true to runbook and metrics, raised by their faults, ended by what the runbook says."""
