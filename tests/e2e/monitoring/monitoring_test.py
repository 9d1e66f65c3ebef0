"""Metrics, alerts and dashboard against a running auth_server, with promtool and a real Prometheus.

Usage: monitoring_test.py OPS_HOST:PORT PROMTOOL PROMETHEUS MONITORING_FOLDER TRAFFIC...

TRAFFIC is a command that makes calls, some of which fail.
"""

import json
import pathlib
import re
import subprocess
import sys
import urllib.request

import checks
from metrics_text import Page
from prometheus_server import PrometheusServer, wait_until


def scrape(ops):
    with urllib.request.urlopen(f"http://{ops}/metrics", timeout=10) as answer:
        content_type = answer.headers["Content-Type"]
        assert content_type == "text/plain; version=0.0.4", content_type
        return answer.read().decode()


def lint(promtool, page):
    """What promtool has to say against the page."""
    ended = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True,
                           text=True, timeout=60, check=False)
    said = (ended.stdout + ended.stderr).strip()
    return said.splitlines() or ([] if ended.returncode == 0 else ["promtool fails"])


# What changes only when somebody calls, or something happens in the pool.
QUIET = r"auth_(rpc|queue|hash|store|tx|pool)_.+"


def key(name, labels):
    """Prometheus writes `le` its own way: compare it as a number."""
    return name, frozenset((label, float(value) if label == "le" else value)
                           for label, value in labels if label not in checks.TARGET_LABELS)


def differences(prometheus, ops):
    """Samples that Prometheus holds with another value than the page."""
    page = {key(name, labels): value for (name, labels), value in Page(scrape(ops)).samples.items()
            if re.fullmatch(QUIET, name)}
    held = {}
    for labels, value in prometheus.query(f'{{__name__=~"{QUIET}"}}'):
        name = labels.pop("__name__")
        held[key(name, labels.items())] = value
    assert key("auth_pool_connections", [("state", "idle")]) in page
    return [f"{each[0]}{dict(each[1])}: {page.get(each)} on the page, {held.get(each)} scraped"
            for each in page.keys() | held.keys() if page.get(each) != held.get(each)]


def check_scraped(prometheus, ops, dashboard):
    """Findings about what Prometheus makes of the server, the alerts and the dashboard."""
    wait_until(lambda: prometheus.query('up{job="auth_server"} == 1'), "the server is scraped")
    # Nothing calls any more, so that both must come to agree; connections may just be closing.
    findings = []

    def agree():
        findings[:] = differences(prometheus, ops)
        return not findings

    try:
        wait_until(agree, "Prometheus has what the page shows")
    except AssertionError:
        return findings

    # For a rate two scrapes are needed.
    wait_until(lambda: prometheus.query("count_over_time(auth_pool_max[1m]) > 2"), "scrapes go on")
    for panel in checks.panels(dashboard):
        findings += [f"{panel['title']}: Prometheus finds nothing for {target['expr']}"
                     for target in panel["targets"]
                     if not prometheus.query(checks.fill_in(target["expr"]))]

    wait_until(lambda: all(rule["health"] != "unknown" for rule in prometheus.rules()),
               "all rules were evaluated")
    for rule in prometheus.rules():
        if rule["health"] != "ok":
            findings.append(f"{rule['name']}: {rule.get('lastError')}")
        if rule.get("state") == "firing":
            findings.append(f"{rule['name']} fires, and all is well")
    return findings


def prometheus_files(folder, ops):
    """The shipped configuration, aimed at this server and in more of a hurry."""
    configuration = (folder / "prometheus.yaml").read_text()
    for shipped, ours in (("127.0.0.1:9090", ops), ("scrape_interval: 15s", "scrape_interval: 1s"),
                          ("evaluation_interval: 15s", "evaluation_interval: 1s")):
        assert shipped in configuration, f"prometheus.yaml has no {shipped}"
        configuration = configuration.replace(shipped, ours)
    return {"prometheus.yaml": configuration, "alerts.yaml": (folder / "alerts.yaml").read_text()}


def main(ops, promtool, prometheus, folder, *traffic):
    folder = pathlib.Path(folder)
    dashboard = json.loads((folder / "grafana-dashboard.json").read_text())
    text = scrape(ops)
    first = Page(text)
    findings = lint(promtool, text) + checks.check_dashboard(dashboard, first)
    findings += checks.check_document((folder / "README.md").read_text(), first)

    subprocess.run(traffic, check=True, stdout=subprocess.DEVNULL)
    text = scrape(ops)
    later = Page(text)
    findings += lint(promtool, text) + checks.check_page(first, later)
    assert later.value("auth_rpc_requests_total", rpc="Register", code="OK") > 0, "no traffic"
    assert later.value("auth_rpc_errors_total", rpc="SignIn", reason="INVALID_CREDENTIALS") > 0

    with PrometheusServer(prometheus, prometheus_files(folder, ops)) as server:
        findings += checks.check_rules(server.rules(), first)
        findings += check_scraped(server, ops, dashboard)

    print(*findings, sep="\n")
    print(f"monitoring: {len(first.types)} families, {len(first.samples)} samples, "
          f"{len(checks.panels(dashboard))} panels, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
