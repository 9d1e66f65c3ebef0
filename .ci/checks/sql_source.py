"""SQL as the checks see it: where it stands in the sources, and its words."""

import bisect
import re
from typing import Iterator, NamedTuple

from source_tree import SourceFile, is_cpp


class SqlText(NamedTuple):
    """One migration, or one literal: adjacent ones and macros of literals put together."""

    path: str
    text: str
    lines: list[int]  # of each character


class Token(NamedTuple):
    kind: str  # word, quoted, string, parameter, number, operator, mark; "other" is none of these
    text: str  # a word in lower case
    line: int


# With which a literal must begin to be taken for SQL: what PostgreSQL has as statements.
VERB = re.compile(
    r"\n*(?:ABORT|ALTER|ANALYZE|BEGIN|CALL|CHECKPOINT|CLOSE|CLUSTER|COMMENT|COMMIT|COPY|CREATE"
    r"|DEALLOCATE|DECLARE|DELETE|DISCARD|DO|DROP|END|EXECUTE|EXPLAIN|FETCH|GRANT|IMPORT|INSERT"
    r"|LISTEN|LOAD|LOCK|MERGE|MOVE|NOTIFY|PREPARE|REASSIGN|REFRESH|REINDEX|RELEASE|RESET|REVOKE"
    r"|ROLLBACK|SAVEPOINT|SELECT|SET|SHOW|START|TABLE|TRUNCATE|UNLISTEN|UPDATE|VACUUM|VALUES"
    r"|WITH)\b")
# Code in front of a literal that is SQL whatever it begins with.
TAKES_SQL = re.compile(r'(?:Statement\b[^;{}"]*\{\s*"[^"]*"\s*,|\b(?:Command|ExecuteScript)\([^;"]*,)'
                       r"\s*$")
CPP = re.compile(
    r'(?P<raw>R"(?P<mark>\w*)\((?P<body>(?:.|\n)*?)\)(?P=mark)")'
    r'|"(?P<plain>(?:\\.|[^"\\\n])*)"'
    r"|(?P<skip>'(?:\\.|[^'\\\n])+'|//[^\n]*|/\*(?:.|\n)*?\*/|\s+|\\\n)"
    r"|(?P<name>\w+)|(?P<code>.)")
MACRO = re.compile(r"^#define[ \t]+(\w+)[ \t]((?:[^\n]*\\\n)*[^\n]*)", re.MULTILINE)
ESCAPES = {"n": "\n", "t": "\t"}

SQL = re.compile(
    r"(?P<skip>\s+|--[^\n]*|/\*(?:.|\n)*?\*/)"
    r"|(?P<string>'(?:[^']|'')*')"
    r'|(?P<quoted>"(?:[^"]|"")*")'
    r"|(?P<parameter>\$\d+)"
    r"|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<operator>::|[-+*/<>=~!@#%^&|`?\[\]:]+)"
    r"|(?P<mark>[(),;.])"
    r"|(?P<other>.)")


class _Lines:
    """Which line of a text a position is on."""

    def __init__(self, text: str):
        self.ends = [match.start() for match in re.finditer("\n", text)]

    def __call__(self, position: int) -> int:
        return bisect.bisect_left(self.ends, position) + 1


def _unescape(literal: str) -> str:
    return re.sub(r"\\(.)", lambda match: ESCAPES.get(match[1], match[1]), literal)


def _content(literal: re.Match) -> str | None:
    """What a match of CPP says if it is a literal."""
    if literal["raw"] is not None:
        return literal["body"]
    return None if literal["plain"] is None else _unescape(literal["plain"])


def _join(path: str, pieces: list[tuple[str, int, bool]]) -> SqlText:
    """Of pieces as (content, its first line, whether its line ends are the file's)."""
    text, lines = "", []
    for content, line, moves in pieces:
        for character in content:
            lines.append(line)
            if character == "\n" and moves:
                line += 1
        text += content
    return SqlText(path, text, lines)


def _of_cpp(file: SourceFile) -> Iterator[SqlText]:
    macros = {}
    for match in MACRO.finditer(file.text):
        contents = [_content(literal) for literal in CPP.finditer(match[2])]
        if any(contents):
            macros[match[1]] = "".join(filter(None, contents))
    text = MACRO.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), file.text)
    line_of = _Lines(text)

    pieces: list[tuple[str, int, bool]] = []
    begin, is_sql = 0, False
    for match in CPP.finditer(text + ";"):
        if match["skip"] is not None:
            continue
        content = _content(match)
        if content is None and pieces:
            content = macros.get(match["name"])
        if content is not None:
            if not pieces:
                begin = match.start()
            is_sql = is_sql or match["mark"] == "sql"
            pieces.append((content, line_of(match.start()), match["raw"] is not None))
        elif pieces:
            sql = _join(file.path, pieces)
            if is_sql or VERB.match(sql.text) or TAKES_SQL.search(text[max(0, begin - 300):begin]):
                yield sql
            pieces, is_sql = [], False


def texts(files: list[SourceFile]) -> Iterator[SqlText]:
    """Every SQL that the product may send."""
    for file in files:
        if file.path.startswith("server/store/migrations/") and file.path.endswith(".sql"):
            yield _join(file.path, [(file.text, 1, True)])
        elif is_cpp(file.path) and file.path.startswith(("pool/", "server/")):
            yield from _of_cpp(file)


def tokens(sql: SqlText) -> list[Token]:
    found = []
    for match in SQL.finditer(sql.text):
        kind = match.lastgroup
        if kind == "skip":
            continue
        text = match[0].lower() if kind == "word" else match[0]
        found.append(Token(kind, text, sql.lines[match.start()]))
    return found
