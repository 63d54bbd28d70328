"""What watches the system: alerts, dashboards, and the programs that show them.

`alerts.py` and `dashboards.py` are the source; `python -m deploy.observability.generate` writes the
files that Prometheus and Grafana read.
"""
