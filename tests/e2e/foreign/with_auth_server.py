"""Runs a client against a real auth_server with a PostgreSQL of its own; its exit code is ours.

Usage: with_auth_server.py [--with-tls] AUTH_SERVER [--FLAG=VALUE...] CLIENT [ARGUMENT...]

The flags go to the server. With TLS it has a certificate of its own, which authctl trusts by its
environment. In the arguments of the client {address} is replaced by the server's
host:port, {http} and {ops} by those of its HTTP listeners, {data} by the data directory of its
PostgreSQL, and {token_file} by a file with a service token of the role admin.
"""

import ctypes
import hashlib
import itertools
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

START_SECONDS = 60  # sanitizer builds on a busy machine
STOP_SECONDS = 60
PR_SET_PDEATHSIG = 1


def die_with_parent():
    """The server must not outlive this script, even if a test runner kills it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def environment():
    """This process's, without what would configure the server."""
    return {name: value for name, value in os.environ.items()
            if not name.startswith("AUTH_") and name not in ("DATABASE_URL", "NEON_DB_URL")}


def poll(condition, process, what):
    """Waits until `condition` holds; fails if the server ends or takes too long."""
    never = threading.Event()
    for _ in range(START_SECONDS * 100):
        value = condition()
        if value:
            return value
        if process.poll() is not None:
            raise RuntimeError(f"auth_server ended with {process.returncode} before it {what}")
        never.wait(0.01)
    raise RuntimeError(f"auth_server was not up in {START_SECONDS} s: it never {what}")


def read_ports(path):
    """{"grpc": "127.0.0.1:1", …}, or nothing while the file is not complete."""
    try:
        ports = dict(line.split("=", 1) for line in path.read_text().split())
    except (FileNotFoundError, ValueError):
        return None
    return ports if {"grpc", "http", "ops"} <= ports.keys() else None


def is_ready(ops):
    try:
        with urllib.request.urlopen(f"http://{ops}/readyz", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def make_service_token(folder):
    """A token, and what makes the server know it, in two files."""
    token = secrets.token_hex(32)
    token_file, tokens_file = folder / "admin-token", folder / "service-tokens"
    token_file.touch(0o600)
    token_file.write_text(f"{token}\n")
    tokens_file.write_text(f"e2e admin {hashlib.sha256(token.encode()).hexdigest()}\n")
    return token_file, tokens_file


def make_certificate(folder):
    """The server's flags, and where its certificate is."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    return [f"--tls-cert={cert}", f"--tls-key={key}"], cert


def fill_in(argument, values):
    for name, value in values.items():
        argument = argument.replace(f"{{{name}}}", str(value))
    return argument


def main(*arguments):
    with_tls = arguments[0] == "--with-tls"
    server, *arguments = arguments[1:] if with_tls else arguments
    flags = list(itertools.takewhile(lambda argument: argument.startswith("--"), arguments))
    client = arguments[len(flags):]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="auth-"))
    folder.chmod(0o755)  # as root, PostgreSQL runs as another user
    token_file, tokens_file = make_service_token(folder)
    if not any(flag.startswith("--service-tokens-file") for flag in flags):
        flags.append(f"--service-tokens-file={tokens_file}")
    client_environment = dict(os.environ)
    if with_tls:
        tls_flags, client_environment["AUTHCTL_TLS_CA"] = make_certificate(folder)
        flags += tls_flags
    log = folder / "log"
    with log.open("wb") as log_file:
        process = subprocess.Popen(
            [server, "--embedded-postgres", folder / "postgres", "--listen", "127.0.0.1:0",
             "--http-listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--port-file",
             folder / "ports", *flags],
            stdin=subprocess.DEVNULL, stdout=log_file, stderr=log_file, env=environment(),
            preexec_fn=die_with_parent)
    try:
        ports = poll(lambda: read_ports(folder / "ports"), process, "listened")
        poll(lambda: is_ready(ports["ops"]), process, "was ready")
        values = {"address": ports["grpc"], "http": ports["http"], "ops": ports["ops"],
                  "data": folder / "postgres/cluster", "token_file": token_file}
        code = subprocess.run([fill_in(argument, values) for argument in client],
                              env=client_environment, check=False).returncode
        process.terminate()
        if process.wait(STOP_SECONDS) != 0:
            raise RuntimeError(f"auth_server ended with {process.returncode}")
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        code = 1
        print(error, log.read_text(errors="replace"), sep="\n", file=sys.stderr)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
