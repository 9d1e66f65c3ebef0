"""What must agree between the runbook, the alerts and the product. Findings, a sentence each."""

import re

PARTS = ("Means", "Look", "Do")


def alert_names(alerts):
    return re.findall(r"^\s+- alert: (\w+)$", alerts, flags=re.MULTILINE)


def links(alerts):
    """The section of the runbook that each alert leads to, by its name."""
    _, *each = re.split(r"^\s+- alert: ", alerts, flags=re.MULTILINE)
    runbook = re.compile(r"^\s+runbook: deploy/monitoring/runbook\.md#(\S+)$", re.MULTILINE)
    return {text.partition("\n")[0]: "".join(runbook.findall(text)) for text in each}


def sections(runbook):
    """The text of each section of an alert, by its name."""
    _, *each = re.split(r"^### ", runbook, flags=re.MULTILINE)
    return {text.partition("\n")[0]: text.partition("\n")[2] for text in each}


def blocks(runbook, language):
    """The code blocks of a language, which may be indented in a list."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", runbook, flags=re.MULTILINE | re.DOTALL)
    return [text for _, text in found]


def check_sections(runbook, alerts):
    """Every alert has a section with all its parts, and names it; every section has an alert; links
    lead to one.
    """
    written, named = sections(runbook), alert_names(alerts)
    findings = [f"{name} has no section" for name in named if name not in written]
    findings += [f"{name} is no alert" for name in written if name not in named]
    findings += [f"{name} does not say what it **{part}:**" for name, text in written.items()
                 for part in PARTS if f"- **{part}:** " not in text]
    headings = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")
                for heading in re.findall(r"^#+ (.+)$", runbook, flags=re.MULTILINE)}
    findings += [f"{name} leads to the section '{anchor}', not to its own"
                 for name, anchor in links(alerts).items() if anchor != name.lower()]
    return findings + [f"a link leads to #{anchor}, which is not there"
                       for anchor in re.findall(r"\]\(#([^)]+)\)", runbook) if anchor not in headings]


def check_names(runbook, page, help_text):
    """Metrics and flags that the product does not have. `page` is a metrics_text.Page."""
    quoted = " ".join(re.findall(r"`([^`\n]+)`", runbook))
    metrics = set(re.findall(r"\bauth_(?!server\b)\w+", quoted))
    flags = set(re.findall(r"(?<![\w-])--(?!previous\b)[a-z][a-z-]+", quoted))
    known = set(re.findall(r"--[a-z][a-z0-9-]+", help_text))
    return ([f"{name} is not on the page" for name in sorted(metrics)
             if name not in page.types and page.family(name) is None]
            + [f"auth_server has no {flag}" for flag in sorted(flags - known)])
