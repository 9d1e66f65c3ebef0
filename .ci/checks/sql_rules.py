#!/usr/bin/env python3
"""The SQL of the product stays in what its engines have in common: fails on every word that the table
of server/store/portability.md does not have, and on every entry there that nothing uses.
"""

import re
import sys
from typing import NamedTuple

from source_tree import Finding, SourceFile, run
from sql_source import SqlText, Token, texts, tokens

TABLE = "server/store/portability.md"
# Its sections.
STATEMENTS, CLAUSES, FUNCTIONS = "Statements", "Clauses", "Functions"
TYPES, SETTINGS = "Types and operators", "Settings and catalogs"

CODE = re.compile(r"`([^`]+)`")
# Whose first argument names a setting.
SETTING_FUNCTIONS = {"current_setting", "set_config"}
# `-c name=value` in a start-up option.
STARTUP_OPTION = re.compile(r"-c (\w+)=")
# Behind these a name may be followed by a list of columns.
BEFORE_COLUMNS = {"into", "references", "on", "table", "exists"}


class Entry(NamedTuple):
    section: str
    text: str  # as the table has it
    line: int


class Vocabulary:
    """What the table allows."""

    def __init__(self, table: str):
        self.entries: list[Entry] = []
        self.phrases: dict[tuple[str, ...], Entry] = {}  # of statements and clauses, in words
        self.functions: dict[str, Entry] = {}
        self.words: dict[str, Entry] = {}
        self.settings: dict[str, Entry] = {}
        self.operators: dict[str, Entry] = {}
        section = ""
        for number, line in enumerate(table.splitlines(), 1):
            if line.startswith("#"):
                section = line.lstrip("#").strip()
            elif line.startswith("| `"):
                for text in CODE.findall(line.split("|")[1]):
                    self._add(Entry(section, text, number))

    def _add(self, entry: Entry) -> None:
        self.entries.append(entry)
        found = tokens(SqlText(TABLE, entry.text, [entry.line] * len(entry.text)))
        words = [token.text for token in found if token.kind in ("word", "quoted")]
        if entry.section in (STATEMENTS, CLAUSES):
            self.phrases[tuple(words)] = entry
        elif entry.section == FUNCTIONS:
            self.functions[words[0]] = entry
            self.words.update((word, entry) for word in words[1:] if (word,) not in self.phrases)
        elif not words:
            self.operators[entry.text] = entry
        else:
            self.words[words[0]] = entry
            if entry.section == SETTINGS:
                self.settings[words[0]] = entry

    def longest_phrase(self, rest: list[Token]) -> tuple[str, ...]:
        """The longest phrase with which `rest` begins; empty if none."""
        words = []
        best: tuple[str, ...] = ()
        for token in rest:
            if token.kind not in ("word", "quoted"):
                break
            words.append(token.text)
            if tuple(words) in self.phrases:
                best = tuple(words)
        return best


class Names(NamedTuple):
    """What our own SQL defines."""

    tables: set[str]
    others: set[str]  # columns, constraints, indexes, aliases


def _columns(rest: list[Token], vocabulary: Vocabulary) -> set[str]:
    """The columns of a CREATE TABLE, whose list begins with the first of `rest`."""
    columns, depth, begins = set(), 0, False
    for i, token in enumerate(rest):
        if begins and token.kind == "word" and not vocabulary.longest_phrase(rest[i:]):
            columns.add(token.text)
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0:
            break
        begins = depth == 1 and token.text in ("(", ",")
    return columns


def own_names(sources: list[list[Token]], vocabulary: Vocabulary) -> Names:
    names = Names(set(), set())
    for source in sources:
        for i, token in enumerate(source):
            following = source[i + 1:]
            words = [after.text if after.kind != "quoted" else "" for after in following[:5]]
            if token.text == "create" and words[:1] == ["table"]:
                skip = 4 if words[1:4] == ["if", "not", "exists"] else 1
                names.tables.update(words[skip:skip + 1])
                names.others.update(_columns(following[skip + 1:], vocabulary))
            elif token.text in ("constraint", "index") and words:
                names.others.add(words[0])
            elif token.kind == "word" and words[:2] == ["as", "("]:
                names.tables.add(token.text)
            elif token.text == "as" and following and following[0].kind == "word":
                names.others.add(words[0])
    return names


class Checker:
    """Looks at one SQL text after the other and remembers what of the table was used."""

    def __init__(self, vocabulary: Vocabulary, names: Names):
        self.vocabulary = vocabulary
        self.names = names
        self.used: set[Entry] = set()
        self.findings: list[Finding] = []

    def check(self, path: str, source: list[Token]) -> None:
        i, begins = 0, True
        while i < len(source):
            if begins and source[i].text != ";":
                self._check_begin(path, source[i:])
            begins = source[i].text == ";"
            i += self._take(path, source, i)

    def _check_begin(self, path: str, rest: list[Token]) -> None:
        phrase = self.vocabulary.longest_phrase(rest)
        if phrase and self.vocabulary.phrases[phrase].section != STATEMENTS:
            self._find(path, rest[0], "a statement that begins with " + " ".join(phrase).upper())

    def _take(self, path: str, source: list[Token], i: int) -> int:
        """Judges what begins at `i`; how many tokens that is."""
        token = source[i]
        if token.kind in ("word", "quoted"):
            phrase = self.vocabulary.longest_phrase(source[i:])
            if phrase:
                self.used.add(self.vocabulary.phrases[phrase])
                if phrase == ("set", "local"):
                    self._check_setting(path, source[i + 2])
                return len(phrase)
            self._check_word(path, source, i)
        elif token.kind == "operator":
            self._look_up(path, token, self.vocabulary.operators, f"the operator {token.text}")
        elif token.kind == "other":
            self._find(path, token, f"the character {token.text}")
        return 1

    def _check_word(self, path: str, source: list[Token], i: int) -> None:
        token = source[i]
        called = source[i + 1:i + 2] and source[i + 1].text == "("
        if token.kind == "word" and called:
            if token.text in self.names.tables and source[i - 1].text in BEFORE_COLUMNS:
                return
            self._look_up(path, token, self.vocabulary.functions, f"{token.text}()")
            if token.text in SETTING_FUNCTIONS and i + 2 < len(source):
                self._check_setting(path, source[i + 2])
        elif token.text not in self.names.tables | self.names.others:
            self._look_up(path, token, self.vocabulary.words, token.text)

    def _check_setting(self, path: str, token: Token) -> None:
        name = token.text.strip("'")
        self._look_up(path, token, self.vocabulary.settings, f"the setting {name}", name)

    def _look_up(self, path: str, token: Token, allowed: dict[str, Entry], what: str,
                 name: str | None = None) -> None:
        entry = allowed.get(name or token.text)
        if entry is None:
            self._find(path, token, what)
        else:
            self.used.add(entry)

    def _find(self, path: str, token: Token, what: str) -> None:
        self.findings.append(Finding(
            path, token.line, f"{what}: not in the table of {TABLE}. Use what is there, or add it"
            " with the pages on which every engine documents it [sql]"))


def check(files: list[SourceFile]) -> list[Finding]:
    tables = [file.text for file in files if file.path == TABLE]
    if len(tables) != 1:
        return [Finding(TABLE, 1, "the table of the SQL that may be used is missing [sql]")]
    vocabulary = Vocabulary(tables[0])
    sources = [(sql.path, tokens(sql)) for sql in texts(files)]
    checker = Checker(vocabulary, own_names([source for _, source in sources], vocabulary))
    for path, source in sources:
        checker.check(path, source)

    # Settings and catalogs may stand in strings and options too.
    product = "\n".join(file.text for file in files if file.path.startswith(("pool/", "server/"))
                        and file.path != TABLE)
    for name in STARTUP_OPTION.findall(product):
        if name not in vocabulary.settings:
            checker.findings.append(Finding(
                TABLE, 1, f"the start-up option {name} is sent, but not in the table [sql]"))
    for entry in vocabulary.entries:
        in_text = entry.section == SETTINGS and re.search(rf"\b{entry.text}\b", product)
        if entry not in checker.used and not in_text:
            checker.findings.append(
                Finding(TABLE, entry.line, f"nothing uses {entry.text}: drop it [sql]"))
    return checker.findings


if __name__ == "__main__":
    sys.exit(run(check))
