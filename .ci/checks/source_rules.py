#!/usr/bin/env python3
"""Rules of the house that a pattern can see: one table, one finding a line."""

import re
import sys
from typing import Callable, NamedTuple

from source_tree import Finding, SourceFile, is_cpp, run


class Rule(NamedTuple):
    name: str
    message: str
    pattern: re.Pattern
    # Which paths it is about.
    applies: Callable[[str], bool]
    # Whether comments count: code rules must not fire on prose.
    in_comments: bool = False


def product(path: str) -> bool:
    return is_cpp(path) and path.startswith(("pool/", "server/", "client/"))


def anywhere(path: str) -> bool:
    # The checks name what they forbid.
    return not path.startswith(".ci/checks/") and path != "LICENSE"


# A literal, plain or raw, that begins like a statement.
SQL_VERB = (r"(?:SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|DROP|TRUNCATE|GRANT|SET|RESET|LISTEN"
            r"|NOTIFY|COPY|LOCK|BEGIN|VALUES)\b")
SQL_LITERAL = rf'(?:"\s*{SQL_VERB}[^"\n]*"(?:\s*"[^"\n]*")*|R"(\w*)\(\s*{SQL_VERB}(?:.|\n)*?\)\1")'
FORMATTERS = r"(?:StrCat|StrAppend|StrFormat|StrJoin|Substitute|format|format_to|sprintf|snprintf)"
BUILT_SQL = "SQL is never put together from strings: use a prepared statement with parameters"

RULES = [
    Rule("built-sql", BUILT_SQL, re.compile(rf"{SQL_LITERAL}\s*(?:\+|<<)"), product),
    Rule("built-sql", BUILT_SQL,
         re.compile(rf"\b{FORMATTERS}\s*\((?:[^;\"]*,)?\s*{SQL_LITERAL}"), product),
    Rule("built-sql", BUILT_SQL, re.compile(r"(?:\.|->)(?:esc|quote|quote_name)\("), product),
    Rule("sleep",
         "nothing sleeps: wait for a condition with a deadline, through Clock",
         re.compile(r"\b(?:sleep_for|sleep_until|SleepFor|usleep|nanosleep|clock_nanosleep)\s*\("
                    r"|(?<![\w.])sleep\s*\("),
         is_cpp),
    Rule("clock",
         "time comes from auth::Clock, so that tests can steer it",
         re.compile(r"\b(?:system_clock|steady_clock|high_resolution_clock)::now\s*\("
                    r"|\babsl::Now\s*\(|\bclock_gettime\s*\(|\bgettimeofday\s*\("),
         lambda path: path.startswith(("pool/", "server/")) and product(path)
         and not path.startswith("pool/clock.")),
    Rule("mutex",
         "locks are auth::Mutex, MutexLock and CondVar of pool/mutex.h, which the analyses understand",
         re.compile(r"\bstd::(?:recursive_|shared_|timed_)?mutex\b|\bstd::condition_variable\w*"
                    r"|\bstd::(?:lock_guard|unique_lock|scoped_lock|shared_lock)\b|\babsl::Mutex\b"),
         lambda path: product(path) and path != "pool/mutex.h"),
    Rule("detached-thread",
         "a thread is joined by its owner's destructor, never detached",
         re.compile(r"(?:\.|->)detach\s*\(\s*\)"), is_cpp),
    Rule("skipped-test",
         "a test runs or does not exist",
         re.compile(r"\bDISABLED_|\bGTEST_SKIP\b"), is_cpp),
    Rule("pragma-once",
         "a header begins with #pragma once",
         re.compile(r"\A(?!\s*#pragma once\n)"), lambda path: path.endswith(".h")),
    Rule("vague-name",
         "Manager, Helper, Util and Base say nothing: name what it does",
         re.compile(r"\b(?:class|struct)\s+(?:ABSL_\w+\s+)?\w*(?:Manager|Helper|Utils?|Base)\b"
                    r"|\bnamespace\s+(?:\w+::)*(?:utils?|helpers?|common|misc)\b"), is_cpp),
    Rule("bare-nolint",
         "name the check: NOLINT(check-name)",
         re.compile(r"\bNOLINT(?:NEXTLINE|BEGIN|END)?\b(?!\([a-z])"), is_cpp, in_comments=True),
    Rule("unfinished",
         "finish it, or write it down where work is planned",
         re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b"), anywhere, in_comments=True),
    Rule("somebody's-machine",
         "no path of one person's machine",
         re.compile(r"(?<![\w.])/(?:home|Users|root)/\w"), anywhere, in_comments=True),
    Rule("registry",
         "which package registry or mirror to use is the machine's business",
         re.compile(r'"resolved"\s*:\s*"https?:|--registry\b|\bregistry\s*=|--index-url\b'),
         anywhere, in_comments=True),
]

# Line comments and block comments; literals first, so that "//" in one is no comment.
COMMENT_OR_LITERAL = re.compile(
    r'R"(\w*)\((?:.|\n)*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'|//[^\n]*|/\*(?:.|\n)*?\*/')


def without_comments(text: str) -> str:
    """`text` with comments blanked out, and every line where it was."""
    def blank(match: re.Match) -> str:
        found = match.group(0)
        return re.sub(r"[^\n]", " ", found) if found.startswith("/") else found
    return COMMENT_OR_LITERAL.sub(blank, text)


def check(files: list[SourceFile]) -> list[Finding]:
    findings = []
    for file in files:
        code = without_comments(file.text) if is_cpp(file.path) else file.text
        for rule in RULES:
            if not rule.applies(file.path):
                continue
            for match in rule.pattern.finditer(file.text if rule.in_comments else code):
                line = file.text.count("\n", 0, match.start()) + 1
                findings.append(Finding(file.path, line, f"{rule.message} [{rule.name}]"))
    return findings


if __name__ == "__main__":
    sys.exit(run(check))
