"""Reads a page in Prometheus' text format 0.0.4, as far as auth_server uses it."""

import re

SAMPLE = re.compile(r'([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:\\.|[^"\\])*)"')


class Page:
    """`types`: {family: type}. `samples`: {(name, frozenset of (label, value)): number}."""

    def __init__(self, text):
        self.types = {}
        self.samples = {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                assert name not in self.types, f"{name} has two TYPE lines"
                self.types[name] = kind
            elif line and not line.startswith("#"):
                match = SAMPLE.match(line)
                assert match, f"no sample: {line}"
                name, labels, value = match.groups()
                key = (name, frozenset(LABEL.findall(labels or "")))
                assert key not in self.samples, f"twice on the page: {line}"
                self.samples[key] = float(value)

    def family(self, name):
        """The family that a sample's name belongs to, or None."""
        if name in self.types and self.types[name] != "histogram":
            return name
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        return base if base != name and self.types.get(base) == "histogram" else None

    def labels(self, name):
        """{label: {values}} of the samples of this name."""
        found = {}
        for sample, labels in self.samples:
            if sample == name:
                for label, value in labels:
                    found.setdefault(label, set()).add(value)
        return found

    def value(self, name, **labels):
        return self.samples[name, frozenset(labels.items())]
