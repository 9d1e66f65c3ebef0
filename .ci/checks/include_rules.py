#!/usr/bin/env python3
"""Who may include whom: fails on an include that the architecture does not allow.

Link targets enforce most of this already; the check says it in one place, by name, and also catches
what happens to compile because headers of a system package lie in a common directory.
"""

import re
import sys

from source_tree import Finding, SourceFile, is_cpp, run

# What everything may use.
BASE = {"pool/clock.h", "pool/mutex.h"}
# The numbers and events of the pool, for those who show them but may not use the pool.
POOL_FACTS = {"pool/effect.h", "pool/pool_observer.h", "pool/pool_stats.h", "pool/sql_error.h"}

# Folder -> the folders (ending in a slash) and headers of this project that it may include, besides
# itself and BASE. The longest matching folder counts.
ALLOWED = {
    "pool/": set(),
    "client/": {"protos/"},
    "server/": {"server/", "pool/"},  # main, configuration and the composition root
    "server/account/": set(),
    "server/work/": set(),
    "server/dev/": set(),
    "server/store/": {"pool/", "server/account/"},
    "server/ops/": POOL_FACTS,
    "server/rpc/": POOL_FACTS | {"protos/", "server/account/", "server/work/", "server/ops/"},
    "tests/": {"protos/", "pool/", "client/", "server/"},
}

# Library -> its headers, and the folders that may see it.
LIBRARIES = {
    "gRPC": (r"(grpcpp|grpc)/|.*\.grpc\.pb\.h$", ("server/rpc/", "client/", "tests/")),
    "libpqxx or libpq": (r"pqxx/|libpq-fe\.h$|libpq/", ("pool/", "server/store/", "tests/")),
    "spdlog": (r"spdlog/", ("server/ops/",)),
    "OpenTelemetry": (r"opentelemetry/", ("server/ops/otlp/", "tests/")),
}
# The only file of the product that may see argon2.h.
ARGON2_FILE = re.compile(r"server/account/[a-z0-9_]*argon2[a-z0-9_]*\.cc")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*["<]([^">]+)[">]', re.MULTILINE)
GENERATED = re.compile(r"(auth|google)/.*\.pb\.h$")
PROJECT = re.compile(r"(pool|server|client|tests)/")


def folder_of(path: str) -> str | None:
    """The row of ALLOWED that `path` belongs to."""
    return max((folder for folder in ALLOWED if path.startswith(folder)), key=len, default=None)


def why_forbidden(path: str, header: str, neighbours: set[str]) -> str | None:
    """Why the file `path` may not include `header`; None if it may."""
    folder = folder_of(path)
    if folder is None:
        return None
    if header.startswith(".") or f"{path.rsplit('/', 1)[0]}/{header}" in neighbours:
        return f'write the path from the root of the project, not "{header}"'

    for library, (pattern, folders) in LIBRARIES.items():
        if re.match(pattern, header) and not path.startswith(folders):
            return f"{library} ({header}) is only for {', '.join(folders)}"
    if header == "argon2.h" and not (ARGON2_FILE.fullmatch(path) or path.startswith("tests/")):
        return "argon2.h is only for the one file that wraps it, server/account/argon2_*.cc"

    target = "protos/" + header if GENERATED.match(header) else header
    if target in BASE or not PROJECT.match(target) and not target.startswith("protos/"):
        return None
    if folder_of(target) == folder:
        return None
    allowed = ALLOWED[folder]
    if target.startswith(tuple(entry for entry in allowed if entry.endswith("/"))):
        return None
    if target in allowed:
        return None
    listed = ", ".join(sorted(allowed | BASE))
    return f"{folder} may not include {header}; beside itself it may include: {listed}"


def check(files: list[SourceFile]) -> list[Finding]:
    paths = {file.path for file in files}
    findings = []
    argon2_files = set()
    for file in files:
        if not is_cpp(file.path):
            continue
        for match in INCLUDE.finditer(file.text):
            header = match.group(1)
            line = file.text.count("\n", 0, match.start()) + 1
            reason = why_forbidden(file.path, header, paths)
            if reason is None and header == "argon2.h" and not file.path.startswith("tests/"):
                argon2_files.add(file.path)
                if len(argon2_files) > 1:
                    reason = f"argon2.h already has its one file, {min(argon2_files)}"
            if reason is not None:
                findings.append(Finding(file.path, line, reason))
    return findings


if __name__ == "__main__":
    sys.exit(run(check))
