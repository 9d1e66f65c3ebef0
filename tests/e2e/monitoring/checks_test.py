"""The checks themselves: each finds what it is there for."""

import copy
import unittest

import checks
import runbook
from metrics_text import Page
from promql import grouping_labels, selectors, wanted_values

TEXT = """\
# HELP auth_calls_total Calls.
# TYPE auth_calls_total counter
auth_calls_total{code="OK",rpc="A"} 1
auth_calls_total{code="INTERNAL",rpc="A"} 0
# HELP auth_wait_seconds Waits.
# TYPE auth_wait_seconds histogram
auth_wait_seconds_count 0
auth_wait_seconds_sum 0
auth_wait_seconds_bucket{le="1"} 0
auth_wait_seconds_bucket{le="+Inf"} 0
"""
PAGE = Page(TEXT)
CHOSEN = '{job=~"$job",instance=~"$instance"}'
GOOD_PANEL = {
    "id": 1, "type": "timeseries", "title": "Calls", "description": "What to do about it. " * 5,
    "datasource": {"uid": "${datasource}"}, "gridPos": {"x": 0, "y": 0, "w": 8, "h": 8},
    "fieldConfig": {"defaults": {"unit": "reqps"}},
    "targets": [{"expr": f"sum by (code) (rate(auth_calls_total{CHOSEN}[5m]))",
                 "legendFormat": "{{code}} {{job}}"}]}
WAIT_PANEL = GOOD_PANEL | {
    "id": 2, "title": "Waits", "gridPos": {"x": 8, "y": 0, "w": 8, "h": 8},
    "targets": [{"expr": f"rate(auth_wait_seconds_sum{CHOSEN}[5m])", "legendFormat": "wait"}]}
DASHBOARD = {
    "panels": [GOOD_PANEL, WAIT_PANEL],
    "templating": {"list": [{"name": name} for name in ("datasource", "job", "instance")]}}
ALERT = {"type": "alerting", "name": "Bug",
         "query": 'rate(auth_calls_total{code="INTERNAL"}[5m]) > 0',
         "labels": {"severity": "warning"},
         "annotations": {"summary": "A", "description": "B"}}


class PromqlTest(unittest.TestCase):
    def test_names_and_nothing_else(self):
        found = selectors('quantile(0.99, sum by (job, le) (rate(a_bucket{x="y}", z=~"1|2"}[5m])))'
                          " / ignoring (state) 1e3 * job:b:rate5m"
                          " and on () c offset 5m unless vector(1)")
        self.assertEqual([each.metric for each in found], ["a_bucket", "job:b:rate5m", "c"])
        self.assertEqual(found[0].matchers, (("x", "=", "y}"), ("z", "=~", "1|2")))

    def test_groupings_and_values(self):
        self.assertEqual(grouping_labels("sum by (a, b) (x) and on (c) y and on () z"),
                         {"a", "b", "c"})
        self.assertEqual(wanted_values("=~", "A|B"), ["A", "B"])
        self.assertEqual(wanted_values("=~", ".+"), [])
        self.assertEqual(wanted_values("=", "A.B"), ["A.B"])


class ExpressionTest(unittest.TestCase):
    def finds(self, expression, finding):
        self.assertEqual(checks.check_expression(expression, PAGE), [finding] if finding else [])

    def test_all_is_there(self):
        self.finds('sum by (rpc, job) (auth_calls_total{code=~"OK|INTERNAL",job="x"}) and up', None)
        self.finds("sum by (le) (rate(auth_wait_seconds_bucket[5m]))", None)

    def test_unknown_names(self):
        self.finds("rate(auth_cals_total[5m])", "auth_cals_total is not on the page")
        self.finds("auth_wait_seconds", "auth_wait_seconds is not on the page")
        self.finds("auth_calls_total_bucket", "auth_calls_total_bucket is not on the page")
        self.finds('auth_calls_total{kode="OK"}', "auth_calls_total has no label kode")
        self.finds('auth_calls_total{code=~"OK|Internal"}',
                   'auth_calls_total has no code="Internal"')
        self.finds("sum by (method) (auth_calls_total)",
                   "no metric here has the label method, by which it groups or matches")


class DashboardTest(unittest.TestCase):
    def finds(self, change, finding):
        dashboard = copy.deepcopy(DASHBOARD)
        change(dashboard)
        findings = checks.check_dashboard(dashboard, PAGE)
        self.assertTrue(any(finding in each for each in findings), findings)

    def test_good(self):
        self.assertEqual(checks.check_dashboard(DASHBOARD, PAGE), [])

    def test_panels(self):
        def panel(**changes):
            return lambda dashboard: dashboard["panels"][0].update(changes)

        def target(**changes):
            return lambda dashboard: dashboard["panels"][0]["targets"][0].update(changes)

        self.finds(panel(title=""), "has no title")
        self.finds(panel(description="Calls."), "has no description")
        self.finds(panel(fieldConfig={"defaults": {}}), "has no unit")
        self.finds(panel(datasource={"uid": "mine"}), "data source")
        self.finds(panel(id=2), "same id")
        self.finds(panel(gridPos={"x": 4, "y": 7, "w": 8, "h": 8}), "overlaps")
        self.finds(panel(gridPos={"x": 20, "y": 8, "w": 8, "h": 8}), "edge")
        self.finds(target(legendFormat="{{kode}}"), "its legend has kode")
        self.finds(target(expr="auth_calls_total"), "not selected by $job")
        self.finds(lambda dashboard: dashboard["templating"]["list"].pop(), "no variable instance")

    def test_a_family_that_is_not_shown(self):
        self.finds(lambda dashboard: dashboard["panels"].pop(), "auth_wait_seconds is on no panel")


class RulesTest(unittest.TestCase):
    def finds(self, finding, **changes):
        findings = checks.check_rules([ALERT | changes], PAGE)
        self.assertEqual(findings, [f"Bug: {finding}"] if finding else [])

    def test_rules(self):
        self.finds(None)
        self.finds("auth_cals_total is not on the page", query="auth_cals_total > 0")
        self.finds("has no severity that README.md knows", labels={"severity": "page"})
        self.finds("has no description", annotations={"summary": "A"})

    def test_a_recorded_name(self):
        recorded = {"type": "recording", "name": "job:a:rate5m",
                    "query": "sum by (job) (auth_calls_total)"}
        uses_it = ALERT | {"query": "job:a:rate5m > 1"}
        self.assertEqual(checks.check_rules([recorded, uses_it], PAGE), [])


ALERTS = """
      - alert: Bug
        expr: auth_calls_total > 0
        annotations:
          runbook: deploy/monitoring/runbook.md#bug
"""
RUNBOOK = """# Runbook

### Bug

- **Means:** it is [one](#bug).
- **Look:** at `auth_calls_total`, `auth_wait_seconds` and `--long-flag`.
- **Do:** mend it.

  ```sql
  SELECT 1;
  ```

```sh
authctl health
```
"""


class RunbookTest(unittest.TestCase):
    def finds(self, finding, text, alerts=ALERTS):
        self.assertEqual(runbook.check_sections(text, alerts)
                         + runbook.check_names(text, PAGE, "  --long-flag N"),
                         [finding] if finding else [])

    def test_sections(self):
        self.finds(None, RUNBOOK)
        self.finds("Other has no section", RUNBOOK,
                   ALERTS + ALERTS.replace("Bug", "Other").replace("#bug", "#other"))
        self.finds("Bug leads to the section 'bag', not to its own", RUNBOOK,
                   ALERTS.replace("#bug", "#bag"))
        self.finds("Bug leads to the section '', not to its own", RUNBOOK,
                   ALERTS.replace("runbook: ", "book: "))
        self.finds("Old is no alert", RUNBOOK + RUNBOOK[11:].replace("### Bug", "### Old"))
        self.finds("Bug does not say what it **Do:**", RUNBOOK.replace("**Do:**", "**Then:**"))
        self.finds("a link leads to #bugs, which is not there", RUNBOOK.replace("#bug)", "#bugs)"))

    def test_names(self):
        self.finds("auth_cals_total is not on the page", RUNBOOK.replace("auth_calls", "auth_cals"))
        self.finds("auth_server has no --long-flog", RUNBOOK.replace("long-flag", "long-flog"))

    def test_blocks(self):
        self.assertEqual(runbook.blocks(RUNBOOK, "sql"), ["  SELECT 1;\n"])
        self.assertEqual(runbook.blocks(RUNBOOK, "sh"), ["authctl health\n"])


DOCUMENT = """# Monitoring

| `auth_elsewhere` | in another table |

## What is measured

| metrics | labels |
|---|---|
| `auth_calls_total`: what was asked | `code`, not `auth_code` |
| `auth_wait_seconds` | |
"""


class DocumentTest(unittest.TestCase):
    def finds(self, finding, text):
        self.assertEqual(checks.check_document(text, PAGE), [finding] if finding else [])

    def test_both_ways(self):
        self.finds(None, DOCUMENT)
        self.finds("README.md: auth_waits is not on the page",
                   DOCUMENT.replace("`auth_wait_seconds`", "`auth_wait_seconds`, `auth_waits`"))
        self.finds("README.md: its table lacks auth_wait_seconds",
                   DOCUMENT.replace("| `auth_wait_seconds` | |\n", ""))


class PageTest(unittest.TestCase):
    def test_growth_and_loss(self):
        more = Page(TEXT + 'auth_calls_total{code="NEW",rpc="A"} 1\n')
        self.assertEqual(checks.check_page(PAGE, PAGE), [])
        self.assertIn("came only with traffic", checks.check_page(PAGE, more)[0])
        self.assertIn("has gone", checks.check_page(more, PAGE)[0])

    def test_families(self):
        empty = Page(TEXT + "# TYPE auth_empty_total counter\n")
        self.assertEqual(checks.check_page(empty, empty), ["auth_empty_total has no sample"])
        untyped = Page(TEXT + "auth_untyped 1\n")
        self.assertEqual(checks.check_page(untyped, untyped),
                         ["auth_untyped belongs to no family with a TYPE"])
        with self.assertRaises(AssertionError):
            Page(TEXT + TEXT)


if __name__ == "__main__":
    unittest.main()
