"""The runbook has a section for each alert, names what there is, and its commands run.

Usage: runbook_test.py OPS_HOST:PORT GRPC_HOST:PORT TOKEN_FILE DATA AUTH_SERVER AUTHCTL MONITORING_FOLDER

DATA is the data directory of the server's private PostgreSQL.
"""

import pathlib
import subprocess
import sys
import urllib.request

import runbook
from metrics_text import Page


def run_sql(data, statement):
    """What psql has to say against the statement."""
    data = pathlib.Path(data)
    port = (data / "postmaster.pid").read_text().split("\n")[3]
    password = (data.parent / "password").read_text().strip()
    ended = subprocess.run(
        ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1",
         f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"],
        input=statement, capture_output=True, text=True, timeout=60, check=False)
    return [f"PostgreSQL refuses {statement!r}: {ended.stderr}"] if ended.returncode else []


def run_authctl(authctl, address, token_file, line):
    words = line.replace("admin-token", token_file).split()
    assert words.pop(0) == "authctl", line
    ended = subprocess.run([authctl, *words, "--server", address], capture_output=True, text=True,
                           timeout=60, check=False)
    return [f"{line} ends with {ended.returncode}: {ended.stderr}"] if ended.returncode else []


def main(ops, address, token_file, data, auth_server, authctl, folder):
    folder = pathlib.Path(folder)
    text = (folder / "runbook.md").read_text()
    with urllib.request.urlopen(f"http://{ops}/metrics", timeout=10) as answer:
        page = Page(answer.read().decode())
    help_text = subprocess.run([auth_server, "--help"], capture_output=True, text=True, timeout=60,
                               check=True).stdout

    findings = runbook.check_sections(text, (folder / "alerts.yaml").read_text())
    findings += runbook.check_names(text, page, help_text)
    statements, commands = runbook.blocks(text, "sql"), runbook.blocks(text, "sh")
    for statement in statements:
        findings += run_sql(data, statement)
    for line in "".join(commands).splitlines():
        findings += run_authctl(authctl, address, token_file, line.strip())
    assert len(statements) > 5 and commands, "the blocks were not found"

    print(*findings, sep="\n")
    print(f"runbook: {len(runbook.sections(text))} sections, {len(statements)} statements, "
          f"{len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
