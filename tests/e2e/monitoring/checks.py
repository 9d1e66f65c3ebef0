"""What must agree between the page of metrics, the alerts and the dashboard.

Each check returns its findings, a sentence each.
"""

import re

from promql import grouping_labels, selectors, wanted_values

# What Prometheus itself adds to every target.
TARGET_LABELS = {"job", "instance"}
# On the page, but on no panel, because:
NOT_SHOWN = {
    "process_virtual_memory_bytes": "address space says nothing about memory; RSS is shown",
    "auth_snapshot_sequence": "tells which picture a page shows, for whoever compares two",
}
UNITS = {"none", "short", "s", "bytes", "percentunit", "reqps", "ops", "dateTimeAsIso"}


def check_expression(expression, page, recorded=frozenset()):
    """Metrics, labels and label values that this expression names and the page does not have."""
    findings = []
    known = set(TARGET_LABELS)
    for metric, matchers in selectors(expression):
        if metric == "up":
            continue
        if metric in recorded:
            known |= set(metric.split(":")[0].split("_"))
            continue
        if page.family(metric) is None:
            findings.append(f"{metric} is not on the page")
            continue
        labels = page.labels(metric)
        known |= labels.keys()
        for label, operator, value in matchers:
            if label in TARGET_LABELS:
                continue
            if label not in labels:
                findings.append(f"{metric} has no label {label}")
                continue
            findings += [f'{metric} has no {label}="{each}"'
                         for each in wanted_values(operator, value) if each not in labels[label]]
    findings += [f"no metric here has the label {label}, by which it groups or matches"
                 for label in sorted(grouping_labels(expression) - known)]
    return findings


def fill_in(expression):
    """A dashboard's expression as Grafana sends it, with everything selected."""
    return (expression.replace("$__rate_interval", "2m")
            .replace("$job", ".+").replace("$instance", ".+"))


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def check_panel(panel, page):
    findings = []
    if not panel.get("title"):
        findings.append("has no title")
    if len(panel.get("description", "")) < 80:
        findings.append("has no description that could help anybody")
    if panel["fieldConfig"]["defaults"].get("unit") not in UNITS:
        findings.append("has no unit, or one that is not in the list of checks.py")
    if panel["datasource"]["uid"] != "${datasource}":
        findings.append("does not use the variable for its data source")
    for target in panel["targets"]:
        expression = target["expr"]
        findings += check_expression(fill_in(expression), page)
        for metric, matchers in selectors(expression):
            if not {("job", "=~", "$job"), ("instance", "=~", "$instance")} <= set(matchers):
                findings.append(f"{metric} is not selected by $job and $instance")
        legend = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        known = TARGET_LABELS | grouping_labels(expression)
        findings += [f"its legend has {label}, which is no label of the result"
                     for label in sorted(legend - known)]
    return findings


def check_layout(dashboard):
    """Every panel has an id and a place of its own."""
    ids = [panel["id"] for panel in dashboard["panels"]]
    taken = {}
    findings = [] if len(ids) == len(set(ids)) else ["two panels have the same id"]
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                other = taken.setdefault((x, y), panel["title"])
                if other != panel["title"] or x >= 24:
                    findings.append(f"{panel['title']} overlaps {other}, or the edge")
    return sorted(set(findings))


def check_dashboard(dashboard, page):
    findings = check_layout(dashboard)
    for panel in panels(dashboard):
        findings += [f"{panel.get('title')}: {finding}" for finding in check_panel(panel, page)]
    variables = {each["name"]: each for each in dashboard["templating"]["list"]}
    findings += [f"there is no variable {name}"
                 for name in ("datasource", "job", "instance") if name not in variables]
    shown = {page.family(metric) for panel in panels(dashboard) for target in panel["targets"]
             for metric, _ in selectors(target["expr"])}
    findings += [f"{family} is on no panel: show it, or say in NOT_SHOWN why not"
                 for family in sorted(page.types.keys() - shown - NOT_SHOWN.keys())]
    return findings


def check_rules(rules, page):
    """`rules` as Prometheus' /api/v1/rules returns them."""
    recorded = {rule["name"] for rule in rules if rule["type"] == "recording"}
    findings = []
    for rule in rules:
        found = check_expression(rule["query"], page, recorded)
        if rule["type"] == "alerting":
            if rule["labels"].get("severity") not in ("critical", "warning"):
                found.append("has no severity that README.md knows")
            found += [f"has no {annotation}" for annotation in ("summary", "description")
                      if not rule["annotations"].get(annotation)]
        findings += [f"{rule['name']}: {finding}" for finding in found]
    return findings


def check_document(text, page):
    """README.md's table of metrics has the families of the page, and no other."""
    rows = re.findall(r"^\| (.*?) \|", text.partition("\n## What is measured\n")[2], re.MULTILINE)
    named = set(re.findall(r"`((?:auth|process)_\w+)`", " ".join(rows)))
    return ([f"README.md: {name} is not on the page" for name in sorted(named - page.types.keys())]
            + [f"README.md: its table lacks {name}" for name in sorted(page.types.keys() - named)])


def check_page(first, later):
    """The page has everything from the first scrape on, and does not grow with traffic."""
    findings = [f"{family} has no sample" for family in first.types
                if family not in {first.family(name) for name, _ in first.samples}]
    findings += [f"{name} belongs to no family with a TYPE"
                 for name, _ in first.samples if first.family(name) is None]
    new = later.samples.keys() - first.samples.keys()
    findings += [f"{name}{dict(labels)} came only with traffic" for name, labels in new]
    gone = first.samples.keys() - later.samples.keys()
    findings += [f"{name}{dict(labels)} has gone" for name, labels in gone]
    return findings
