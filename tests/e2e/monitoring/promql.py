"""The names that a PromQL expression uses.

No parser: it knows what stands in our alerts and dashboard.
"""

import re
from typing import NamedTuple


class Selector(NamedTuple):
    metric: str
    matchers: tuple  # of (label, operator, value)


KEYWORDS = {"and", "or", "unless", "offset", "bool"}
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
SELECTOR = re.compile(
    r'(?<![\w.])([a-zA-Z_:][\w:]*)\s*(\{(?:[^}"]|"(?:\\.|[^"\\])*")*\})?(\s*\()?')
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:\\.|[^"\\])*)"')


def grouping_labels(expression):
    """The labels in its `by (…)`, `on (…)` and the like."""
    return {label.strip() for labels in GROUPING.findall(expression)
            for label in labels.split(",") if label.strip()}


def selectors(expression):
    """The metrics it reads, each with its label matchers."""
    expression = re.sub(r"\[[^\]]*\]", " ", GROUPING.sub(" ", expression))
    return [Selector(name, tuple(MATCHER.findall(labels or "")))
            for name, labels, is_call in SELECTOR.findall(expression)
            if not is_call and name not in KEYWORDS]


def wanted_values(operator, value):
    """The label values that a matcher names; none for a pattern that is no list of values."""
    if operator in ("=", "!="):
        return [value]
    return value.split("|") if re.fullmatch(r"[\w|]+", value) else []
