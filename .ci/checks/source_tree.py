"""The files of the project, as the checks see them."""

import pathlib
import subprocess
from typing import Callable, Iterable, Iterator, NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Finding(NamedTuple):
    """One broken rule, printed the way compilers do so that editors can jump to it."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class SourceFile(NamedTuple):
    path: str  # from the root, with slashes
    text: str


def is_cpp(path: str) -> bool:
    return path.endswith((".h", ".cc"))


def project_files(root: pathlib.Path = ROOT) -> Iterator[SourceFile]:
    """Every text file that is, or would become, part of a commit."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root, check=True, capture_output=True, text=True).stdout
    for path in sorted(filter(None, listing.split("\0"))):
        file = root / path
        if not file.is_file():
            continue  # deleted, but not yet from the index
        try:
            yield SourceFile(path, file.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue


def run(check: Callable[[list[SourceFile]], Iterable[Finding]]) -> int:
    """Prints what `check` finds in the project; the exit code of its program."""
    findings = list(check(list(project_files())))
    for finding in findings:
        print(finding)
    return 1 if findings else 0
