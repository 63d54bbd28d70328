"""Alerts: what is not right, who is told of it, and which systems."""
