"""Proves that alerts_test.yaml tests every alert, both ways.

Breaks each alert, and expects the test of its name to notice.

Usage: alerts_are_tested.py PROMTOOL PROMETHEUS MONITORING_FOLDER
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

from prometheus_server import PrometheusServer

# How an alert is broken: a name, and what it does to the rule. The other labels stay, so that only
# its being there or not can be noticed.
BREAKS = {
    "never fires": lambda rule: rule | {"expr": f"({rule['expr']}) < -1e99"},
    "always fires": lambda rule: rule | {"expr": "vector(1)"},
    "fires at once": lambda rule: rule | {"for": "0s"},
}


def as_rule(rule):
    """A rule of the API as a rule file has it."""
    if rule["type"] == "recording":
        return {"record": rule["name"], "expr": rule["query"]}
    return {"alert": rule["name"], "expr": rule["query"], "for": f"{rule['duration']:.0f}s",
            "labels": rule["labels"], "annotations": rule["annotations"]}


def run_tests(promtool, groups, tests):
    """Whether promtool finds that these groups of rules pass the tests, and what it says."""
    with tempfile.TemporaryDirectory(prefix="auth-alerts-") as folder:
        folder = pathlib.Path(folder)
        # JSON is YAML.
        (folder / "alerts.yaml").write_text(json.dumps({"groups": groups}))
        (folder / "alerts_test.yaml").write_text(tests)
        ended = subprocess.run([promtool, "test", "rules", folder / "alerts_test.yaml"],
                               capture_output=True, text=True, timeout=120, check=False)
        return ended.returncode == 0, ended.stdout + ended.stderr


def test_of(alert, tests):
    """The file of tests with no other than this alert's."""
    head, *each = re.split(r"^(?=  - name: )", tests, flags=re.MULTILINE)
    own = [test for test in each if test.startswith(f"  - name: {alert}\n")]
    assert len(own) == 1, f"{alert} has {len(own)} tests"
    return head + own[0]


def broken(groups, alert, how):
    return [group | {"rules": [how(rule) if rule.get("alert") == alert else rule
                               for rule in group["rules"]]} for group in groups]


def main(promtool, prometheus, folder):
    folder = pathlib.Path(folder)
    with PrometheusServer(prometheus, {"prometheus.yaml": "rule_files: [alerts.yaml]",
                                       "alerts.yaml": (folder / "alerts.yaml").read_text()}) as it:
        groups = [{"name": group["name"], "rules": [as_rule(rule) for rule in group["rules"]]}
                  for group in it.groups()]
    tests = (folder / "alerts_test.yaml").read_text()
    passed, said = run_tests(promtool, groups, tests)
    assert passed, f"the alerts as they are fail: {said}"

    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    assert len(alerts) > 10, groups
    findings = []
    tried = 0
    for alert in alerts:
        own = test_of(alert["alert"], tests)
        for name, how in BREAKS.items():
            if how(alert) == alert:
                continue  # it is meant to fire at once
            tried += 1
            passed, said = run_tests(promtool, broken(groups, alert["alert"], how), own)
            if passed:
                findings.append(f"no test notices when {alert['alert']} {name}")
            elif alert["alert"] not in said:
                findings.append(f"{alert['alert']} {name}: another fault than expected:\n{said}")
    print(*findings, sep="\n")
    print(f"alerts: {len(alerts)}, broken in {tried} ways, {len(findings)} not noticed")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
