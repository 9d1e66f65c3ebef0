"""Containers of the image under test, run by podman with a storage of their own.

For a network namespace and a process namespace of the test's own: see CMakeLists.txt.
"""

import datetime
import json
import os
import pathlib
import subprocess
import time
import urllib.error
import urllib.request

WAIT_SECONDS = 60  # on a busy machine
IMAGE = "localhost/auth_service:test"


def wait_until(condition, what):
    """Waits for a condition that returns something true, and returns that."""
    end = time.monotonic() + WAIT_SECONDS
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {WAIT_SECONDS} s until {what}")
        time.sleep(0.01)


class Podman:
    """podman of a folder: nothing of it is anywhere else."""

    def __init__(self, folder):
        self.command = [
            "podman", "--root", f"{folder}/root", "--runroot", f"{folder}/run",
            "--tmpdir", f"{folder}/tmp", "--storage-driver", "vfs", "--runtime", "runc",
            "--cgroup-manager", "cgroupfs", "--events-backend", "none"]
        # Probes are asked for, not run by systemd.
        self.environment = {**os.environ, "DISABLE_HC_SYSTEMD": "true", "TMPDIR": str(folder)}

    def run(self, *arguments, check=True):
        ended = subprocess.run([*self.command, *map(str, arguments)], env=self.environment,
                               stdin=subprocess.DEVNULL, capture_output=True, text=True,
                               timeout=WAIT_SECONDS * 2, check=False)
        if check and ended.returncode != 0:
            raise AssertionError(f"podman {arguments[0]} ended with {ended.returncode}: "
                                 f"{ended.stderr}")
        return ended


class Container:
    """with Container(podman, AUTH_DATABASE_URL=…) as container: …

    As an operator runs it who gives it no more than it needs: a root that cannot be written, no file
    system in memory beside it, no capabilities.
    """

    def __init__(self, podman, *options, **variables):
        self.podman = podman
        variables = [f"--env={name}={value}" for name, value in variables.items()]
        self.id = podman.run(
            "create", "--read-only", "--read-only-tmpfs=false", "--cap-drop=ALL",
            "--security-opt=no-new-privileges", "--network=host", "--log-driver=k8s-file",
            # Those of root need not be allowed here.
            "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024",
            *options, *variables, IMAGE).stdout.strip()
        podman.run("init", self.id)  # all but the start of the program
        state = json.loads(podman.run("inspect", self.id).stdout)[0]
        self.pid = state["State"]["Pid"]
        self.log_path = pathlib.Path(state["HostConfig"]["LogConfig"]["Path"])
        self.started = time.time()
        podman.run("start", self.id)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            print(self.log()[-4000:])
        self.podman.run("rm", "--force", "--time=0", self.id)

    def process(self, file):
        """Lines of a file of the server's in /proc."""
        return pathlib.Path(f"/proc/{self.pid}/{file}").read_text().splitlines()

    def status(self):
        """/proc/PID/status of the server."""
        fields = (line.partition(":") for line in self.process("status"))
        return {name: value.strip() for name, _, value in fields}

    def log(self):
        # Each line has a time, the stream and a flag before it. Not by `podman logs`, which takes
        # the processor from a server that is just starting.
        lines = self.log_path.read_text().splitlines(keepends=True)
        return "".join(line.split(" ", 3)[3] for line in lines if line.endswith("\n"))

    def event(self, name):
        """The first line of the log with this event, or None."""
        for line in self.log().splitlines():
            if line.startswith("{") and json.loads(line).get("event") == name:
                return json.loads(line)
        return None

    def await_ready(self):
        """Waits until the log says so; answers the milliseconds since the command to start."""
        def ready_or_ended():
            event = self.event("ready")
            assert event or pathlib.Path(f"/proc/{self.pid}").exists(), "the server has ended"
            return event

        ready = wait_until(ready_or_ended, "the server is ready")
        return (datetime.datetime.fromisoformat(ready["time"]).timestamp() - self.started) * 1000

    def health(self):
        """Whether the image's HEALTHCHECK passes now."""
        return self.podman.run("healthcheck", "run", self.id, check=False).returncode == 0

    def wait(self):
        """The exit code."""
        return int(self.podman.run("wait", self.id).stdout)


def http_status(path, port=9090):
    """Of the operations listener; 0 while nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except (urllib.error.URLError, ConnectionError):
        return 0
