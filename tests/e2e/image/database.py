"""A PostgreSQL that a test starts and stops, and a name server that knows it."""

import pathlib
import signal
import socket
import subprocess
import threading

from containers import wait_until

NAME = "database.auth.test"


class Postgres:
    """On port 5432 of loopback, for a network namespace of the test's own."""

    def __init__(self, folder):
        self.folder = folder
        # PostgreSQL refuses to run as root.
        self.user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        self.programs = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb")).parent
        self.process = None
        folder.mkdir(mode=0o700)
        subprocess.run(["chown", "postgres:", folder], check=True)
        subprocess.run([self.programs / "initdb", "--pgdata", folder / "data", "--auth=trust",
                        "--username=postgres", "--encoding=UTF8", "--no-locale", "--no-sync"],
                       check=True, cwd=folder, stdout=subprocess.DEVNULL, **self.user)

    def start(self):
        """Answers when it takes connections."""
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            [self.programs / "postgres", "-D", self.folder / "data", "-k", self.folder,
             "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self.user)
        log.close()
        wait_until(lambda: subprocess.run([self.programs / "pg_isready", "-q", "-h", "127.0.0.1"],
                                          check=False).returncode == 0, "PostgreSQL is up")

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)
            self.process = None


class NameServer:
    """Answers NAME with 127.0.0.1, and counts who asks; on 127.0.0.1:53."""

    def __init__(self):
        self.answered = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            query, client = self.socket.recvfrom(512)
            self.socket.sendto(self._answer(query), client)

    def _answer(self, query):
        end = query.index(0, 12) + 1
        name, kind = query[12:end], query[end:end + 2]
        question = query[12:end + 4]
        known = name == b"".join(bytes([len(part)]) + part.encode()
                                 for part in [*NAME.split("."), ""])
        record = b""
        if known and kind == b"\0\1":  # A
            self.answered += 1
            record = b"\xc0\x0c\0\1\0\1" + (60).to_bytes(4, "big") + b"\0\4\x7f\0\0\1"
        flags = b"\x81\x80" if known else b"\x81\x83"
        return (query[:2] + flags + b"\0\1" + (b"\0\1" if record else b"\0\0") + b"\0\0\0\0"
                + question + record)
