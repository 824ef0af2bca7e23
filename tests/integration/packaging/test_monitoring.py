"""Dashboards and alert rules: of a shape that Grafana and Prometheus load, and about metrics that exist.

Neither program is at hand here, so their forms are checked by hand: what is checked is what these files use.
"""

import json
import re
from itertools import combinations
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry
from ruamel.yaml import YAML

from ops.lag.lanes import lanes_of
from ops.probe.run import Result
from ops.probe.telemetry import ProbeTelemetry
from ops.settings import load_settings
from schemas.api import Source
from serve.telemetry import Telemetry as ScorerTelemetry
from store.breaker_metrics import export_breakers
from stream.decide import Outcome
from stream.drift.monitor import Result as DriftResult
from stream.drift.telemetry import DriftTelemetry
from stream.drift.windows import Kind
from stream.telemetry import Telemetry as NearlineTelemetry

DEPLOY = "ops/deploy"
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
TARGET_LABELS = {"job", "instance", "le"}
METRIC = re.compile(r"\b(precis_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')


def exported():
    """Sample name -> (type, label names) of everything that the processes export."""
    registry = CollectorRegistry()
    backend = SimpleNamespace(breaker_states={"reads": "open"})
    export_breakers(backend, registry)
    export_breakers(backend, registry, of="engine")
    found = {f"precis_{backend}_breaker_open": ("gauge", {"breaker"}) for backend in ("store", "engine")}
    assert [family.name for family in registry.collect()] == list(found)
    for telemetry in (NearlineTelemetry(), DriftTelemetry(), ScorerTelemetry(), ProbeTelemetry()):
        for metric in vars(telemetry).values():
            if not hasattr(metric, "_labelnames"):
                continue
            (family,) = metric.describe()
            for suffix in SUFFIXES[family.type]:
                found[family.name + suffix] = (family.type, set(metric._labelnames))  # noqa: SLF001 - not offered
    return found


@pytest.fixture(scope="module")
def boards(root):
    files = sorted((root / DEPLOY / "grafana" / "dashboards").glob("*.json"))
    return [json.loads(file.read_text()) for file in files]


@pytest.fixture(scope="module")
def rules(root):
    groups = YAML(typ="safe").load(root / DEPLOY / "alerts.yml")["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.fixture(scope="module")
def expressions(boards, rules):
    """Every PromQL expression, by where it stands."""
    found = {rule["alert"]: rule["expr"] for rule in rules}
    for board in boards:
        for panel in board["panels"]:
            found |= {f"{board['uid']}/{panel['title']}/{it['refId']}": it["expr"] for it in panel.get("targets", [])}
    return found


def test_every_metric_is_exported_with_the_labels_that_are_asked_for(expressions):
    """A renamed metric or label shows here, not as an empty panel or an alert that never fires."""
    known = exported()
    for where, expression in expressions.items():
        metrics = METRIC.findall(expression)
        labels = set(TARGET_LABELS)
        for name, matchers in metrics:
            assert name in known, f"{where}: {name}"
            labels |= known[name][1]
            unknown = {label for label, _, _ in MATCHER.findall(matchers)} - known[name][1] - TARGET_LABELS
            assert unknown == set(), f"{where}: {name} has no label {unknown}"
        for grouping in re.findall(r"(?:by|on) \(([^)]*)\)", expression):
            assert {label.strip() for label in grouping.split(",")} <= labels, f"{where}: {grouping}"


def test_counters_are_read_as_rates_and_quantiles_from_buckets(expressions):
    """A counter by itself says how long a process runs; a quantile needs `le`."""
    known = exported()
    for where, expression in expressions.items():
        for name, _ in METRIC.findall(expression):
            is_cumulative = known[name][0] in {"counter", "histogram"}
            rated = re.search(rf"(?:rate|increase)\({name}(?:\{{[^}}]*\}})?\[", expression)
            assert bool(rated) == is_cumulative, f"{where}: {name}"
        for quantile in re.findall(r"histogram_quantile\(.*?by \(([^)]*)\)", expression):
            assert "le" in quantile.replace(",", " ").split(), where
        assert expression.count("(") == expression.count(")"), where


def test_label_values_are_those_of_the_code(expressions):
    """Of labels whose values are a closed set here."""
    values = {
        "lane": {lane.name for lane in lanes_of(load_settings())},
        "outcome": set(Outcome),
        "source": set(Source),
        "signal": set(Kind),
    }
    results = {"precis_probe_runs_total": set(Result), "precis_nearline_drift_samples_total": set(DriftResult)}
    for where, expression in expressions.items():
        for name, matchers in METRIC.findall(expression):
            for label, _, text in MATCHER.findall(matchers):
                allowed = results.get(name) if label == "result" else values.get(label)
                assert allowed is None or set(text.split("|")) <= allowed, f"{where}: {label}={text}"


def test_what_the_issue_names_is_on_the_dashboard(boards):
    """Freshness, lag, outcomes, calls saved, fallbacks, dead letters, pauses, lost swaps, commit age."""
    (board,) = [board for board in boards if board["uid"] == "precis-nearline"]
    shown = json.dumps(board)
    for name in (
        "event_age_seconds_bucket",
        "lag_records",
        "records_total",
        "model_calls_saved_total",
        "fallbacks_total",
        "dead_letters_total",
        "pauses_total",
        "cas_lost_total",
        "commit_age_seconds",
    ):
        assert f"precis_nearline_{name}" in shown


def test_every_metric_is_on_a_dashboard(expressions):
    """What is measured and never shown is either missing there or not needed."""
    shown = {name for expression in expressions.values() for name, _ in METRIC.findall(expression)}
    families = {name for name, (kind, _) in exported().items() if kind != "histogram"} - shown
    assert families == set(), "add a panel below ops/deploy/grafana/dashboards, or drop the metric"


def test_dashboards_have_the_form_that_grafana_provisions(boards, root):
    """Unique ids, a known data source, panels that say what they show and do not lie on each other."""
    source = YAML(typ="safe").load(root / DEPLOY / "grafana" / "datasources.yml")["datasources"][0]["uid"]
    assert len({board["uid"] for board in boards}) == len(boards) == 2
    for board in boards:
        assert {"title", "schemaVersion", "time", "panels"} <= set(board)
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
        for panel in board["panels"]:
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24
            if panel["type"] == "row":
                continue
            assert panel["title"]
            assert panel["description"]
            assert {target["datasource"]["uid"] for target in panel["targets"]} == {source}
            refs = [target["refId"] for target in panel["targets"]]
            assert len(set(refs)) == len(refs) > 0
        for one, other in combinations((panel["gridPos"] for panel in board["panels"]), 2):
            is_beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
            is_above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
            assert is_beside or is_above


def test_rules_have_the_form_that_prometheus_loads(root, rules):
    """Known fields only, durations, a severity, a summary, and a runbook entry that exists."""
    runbook = (root / "docs" / "operations.md").read_text()
    anchors = {heading.strip().lower() for heading in re.findall(r"^#+ (.*)$", runbook, re.MULTILINE)}
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert set(rule["annotations"]) == {"summary", "runbook"}
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["alert"].lower() in anchors, rule["alert"]
        assert rule["annotations"]["summary"].count("{{") == rule["annotations"]["summary"].count("}}")


def test_what_compose_mounts_is_what_prometheus_and_grafana_read(root):
    """Rule file, scrape targets, provisioning and the folder of dashboards fit together."""
    yaml = YAML(typ="safe")
    services = yaml.load(root / "docker-compose.yml")["services"]
    prometheus = yaml.load(root / DEPLOY / "prometheus.yml")
    mounts = dict(mount.split(":")[:2] for mount in services["prometheus"]["volumes"] if mount.startswith("./"))
    assert prometheus["rule_files"] == [mounts["./ops/deploy/alerts.yml"]]
    for job in prometheus["scrape_configs"]:
        host, port = job["static_configs"][0]["targets"][0].split(":")
        if host in services:
            assert any(published.endswith(f":{port}") for published in services[host]["ports"]), host
    provider = yaml.load(root / DEPLOY / "grafana" / "dashboards.yml")["providers"][0]
    mounts = dict(mount.split(":")[:2] for mount in services["grafana"]["volumes"] if mount.startswith("./"))
    assert provider["options"]["path"] == mounts["./ops/deploy/grafana/dashboards"]
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/nearline.json"
