"""A PostgreSQL of the comparison's own, which it may stop and whose sessions it may kill."""

import glob
import os
import pwd
import random
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import psycopg2

START_TIMEOUT_S = 60
SETTINGS = ("fsync=off", "full_page_writes=off", "max_connections=100", "shared_buffers=32MB",
            "listen_addresses=127.0.0.1")


def free_port():
    """Below the ephemeral ports: a client that reconnects to a stopped server could be given that
    very port as its own there, and be connected to itself."""
    while True:
        port = random.randint(20000, 32767)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class ConnectCounter:
    """Listens in the place of a stopped server: accepts, counts, and closes at once, as a balancer
    without a server does."""

    def __init__(self, port):
        self.count = 0
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self._listener.listen(1024)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.count += 1
            connection.close()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


class PrivatePostgres:
    """Starts with the object; close() ends it and removes its directory. As root it runs as the
    user `postgres`, since PostgreSQL refuses to run as root."""

    def __init__(self):
        self._directory = tempfile.mkdtemp(prefix="pool-faults-", dir="/tmp")
        self._binaries = max(glob.glob("/usr/lib/postgresql/*/bin"),
                             key=lambda path: int(path.split("/")[-2]))
        self._as_user = []
        if os.geteuid() == 0:
            self._as_user = ["runuser", "-u", "postgres", "--"]
            user = pwd.getpwnam("postgres")
            os.chown(self._directory, user.pw_uid, user.pw_gid)
        self._data = os.path.join(self._directory, "data")
        self.port = free_port()
        password = secrets.token_hex(16)
        password_file = os.path.join(self._directory, "password")
        with open(password_file, "w", encoding="ascii") as file:
            file.write(password)
        self._run("initdb", "--pgdata", self._data, "--username=postgres", "--auth=scram-sha-256",
                  "--pwfile", password_file, "--no-sync", "--no-instructions")
        self.url = f"postgresql://postgres:{password}@127.0.0.1:{self.port}/postgres"
        self._admin = None
        self.start()

    def _run(self, program, *arguments):
        subprocess.run([*self._as_user, os.path.join(self._binaries, program), *arguments],
                       check=True, stdout=subprocess.DEVNULL, cwd="/")

    def start(self):
        """Returns as soon as the server accepts."""
        settings = [*SETTINGS, f"port={self.port}", f"unix_socket_directories={self._directory}"]
        self._run("pg_ctl", "start", "--no-wait", "--pgdata", self._data, "--log",
                  os.path.join(self._directory, "log"), "--options",
                  " ".join(f"-c {setting}" for setting in settings))
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                self._admin = psycopg2.connect(self.url, application_name="admin")
                self._admin.autocommit = True
                return
            except psycopg2.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.005)

    def stop(self):
        self._admin.close()
        self._run("pg_ctl", "stop", "--mode=fast", "--pgdata", self._data)

    def _backends(self, expression):
        with self._admin.cursor() as cursor:
            cursor.execute(f"SELECT count({expression}) FROM pg_stat_activity "
                           "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
            return cursor.fetchone()[0]

    def kill_backends(self):
        """pg_terminate_backend of all; how many there were. Does not wait for their end."""
        return self._backends("pg_terminate_backend(pid)")

    def wait_until_alone(self):
        while self._backends("*") > 0:
            time.sleep(0.001)

    def close(self):
        if self._admin is not None and not self._admin.closed:
            self._admin.close()
        subprocess.run([*self._as_user, os.path.join(self._binaries, "pg_ctl"), "stop",
                        "--mode=immediate", "--pgdata", self._data], check=False, cwd="/",
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(self._directory, ignore_errors=True)
