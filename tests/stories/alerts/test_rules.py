"""Rules and dashboards speak of metrics and headings that exist; Prometheus itself agrees."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from deploy.observability.alerts import ALERTS, Alert, Scale
from deploy.observability.dashboards import DASHBOARDS
from deploy.observability.generate import HERE, files, rules
from deploy.observability.prometheus import find_program

from common.telemetry.names import METRICS

from .readings import READINGS

RUNBOOK = Path(__file__).parents[3] / "docs" / "runbook.md"
HEADING = re.compile(r"^## ([A-Z][A-Za-z]+)$", re.MULTILINE)
SERIES = re.compile(r"\bchannel_[a-z_]+\b")
LABELS = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"")
KNOWN = {series: metric for metric in METRICS for series in metric.series}

needs_promtool = pytest.mark.skipif(
    find_program("promtool") is None, reason="promtool is not installed"
)

EXPRESSIONS = [(alert.name, alert.expression(Scale())) for alert in ALERTS] + [
    (f"{dashboard.name}: {panel.title}", panel.query)
    for dashboard in DASHBOARDS
    for panel in dashboard.panels
]


def test_every_alert_has_its_heading_and_every_heading_of_a_fault_its_alert() -> None:
    headings = HEADING.findall(RUNBOOK.read_text(encoding="utf-8"))
    assert sorted(headings) == sorted(alert.name for alert in ALERTS)


def test_every_rule_links_to_its_heading() -> None:
    anchors = {name.lower() for name in HEADING.findall(RUNBOOK.read_text(encoding="utf-8"))}
    for rule in yaml.safe_load(rules())["groups"][0]["rules"]:
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert page == "docs/runbook.md"
        assert anchor in anchors


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS, ids=[e[0] for e in EXPRESSIONS])
def test_expressions_name_metrics_and_labels_that_exist(where: str, expression: str) -> None:
    series = SERIES.findall(expression)
    assert set(series) <= set(KNOWN), where
    labels = {label for name in series for label in KNOWN[name].labels}
    named = set(LABELS.findall(expression))
    for group in re.findall(r"(?:by|on) \(([^)]*)\)", expression):
        named |= {label.strip() for label in group.split(",")}
    assert named <= labels | {"job", "instance", "le"}, where


def test_every_metric_is_on_a_dashboard() -> None:
    shown = {KNOWN[n] for d in DASHBOARDS for p in d.panels for n in SERIES.findall(p.query)}
    assert [metric.name for metric in METRICS if metric not in shown] == []


def test_dashboards_are_json_with_a_query_in_each_panel() -> None:
    for path, text in files().items():
        if path.suffix == ".json":
            panels = json.loads(text)["panels"]
            assert all(panel["targets"][0]["expr"] for panel in panels), path


@pytest.mark.parametrize(
    ("factor", "seconds", "written"),
    [(1, 60, "1m"), (1, 600, "10m"), (1, 21600, "6h"), (1, 90, "90s"), (0.01, 600, "6s"),
     (0.001, 60, "1s"), (0.0025, 600, "1500ms")],
)  # fmt: skip
def test_times_are_shortened_to_a_second_at_least(
    factor: float, seconds: float, written: str
) -> None:
    assert Scale(factor).time(seconds) == written


@needs_promtool
@pytest.mark.parametrize("factor", [1, 0.01])
def test_prometheus_takes_the_rules(tmp_path: Path, factor: float) -> None:
    (tmp_path / "rules.yml").write_text(rules(Scale(factor)))
    promtool("check", "rules", str(tmp_path / "rules.yml"))


@needs_promtool
def test_prometheus_takes_its_configuration() -> None:
    promtool("check", "config", "--syntax-only", str(HERE / "prometheus.yml"))


def test_every_alert_is_tried_with_readings() -> None:
    assert sorted(READINGS) == sorted(alert.name for alert in ALERTS)


@needs_promtool
@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_fires_on_its_fault_and_ends_with_it(tmp_path: Path, alert: Alert) -> None:
    """By Prometheus' own evaluation: silent while all is well, firing in the fault, then ended."""
    (tmp_path / "rules.yml").write_text(rules(alerts=[alert]))
    readings = READINGS[alert.name]
    tests = [
        {
            "interval": "1m",
            "input_series": [
                {"series": series, "values": values} for series, values in readings.series.items()
            ],
            "alert_rule_test": [
                {"eval_time": at, "alertname": alert.name, "exp_alerts": firing}
                for at, firing in (
                    (readings.well_at, []),
                    (readings.fires_at, [readings.expected(alert)]),
                    (readings.ended_at, []),
                )
            ],
        }
    ]
    (tmp_path / "test.yml").write_text(
        yaml.safe_dump({"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests})
    )
    promtool("test", "rules", str(tmp_path / "test.yml"))


def promtool(*words: str) -> None:
    program = find_program("promtool")
    assert program is not None
    result = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
