"""A real Prometheus on loopback, with a folder of its own."""

import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request

START_SECONDS = 60
PR_SET_PDEATHSIG = 1


def die_with_parent():
    """It must not outlive this script, even if a test runner kills it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def wait_until(condition, what, seconds=START_SECONDS):
    """Waits for a condition that returns something true, and returns that."""
    never = threading.Event()
    for _ in range(seconds * 20):
        value = condition()
        if value:
            return value
        never.wait(0.05)
    raise AssertionError(f"waited in vain for {seconds} s until {what}")


class PrometheusServer:
    """with PrometheusServer(binary, {"prometheus.yaml": text, …}) as server: …

    Runs with the files in a folder of its own; prometheus.yaml is its configuration.
    """

    def __init__(self, binary, files):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="auth-prometheus-"))
        for name, text in files.items():
            (self.folder / name).write_text(text)
        self.log = self.folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [binary, f"--config.file={self.folder}/prometheus.yaml",
                 f"--storage.tsdb.path={self.folder}/data", "--web.listen-address=127.0.0.1:0",
                 # Ready at once, not after a look at the data of other days.
                 "--storage.tsdb.retention.time=1h", "--log.level=info"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "GOMAXPROCS": "2"}, preexec_fn=die_with_parent)
        self.url = None

    def __enter__(self):
        try:
            self.url = wait_until(self._listening, "Prometheus listens")
            wait_until(self._ready, "Prometheus is ready")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _listening(self):
        log = self.log.read_text(errors="replace")
        assert self.process.poll() is None, f"Prometheus ended:\n{log}"
        found = re.search(r'msg="Listening on" address=(127\.0\.0\.1:\d+)', log)
        return found and f"http://{found[1]}"

    def _ready(self):
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def api(self, path, **parameters):
        """The `data` of an answer of the API; an error is an AssertionError."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error

    def query(self, expression):
        """The samples of an instant query: [(labels, value)]."""
        data = self.api("query", query=expression)
        assert data["resultType"] == "vector", data
        return [(each["metric"], float(each["value"][1])) for each in data["result"]]

    def groups(self):
        """The rule groups, as loaded."""
        return self.api("rules")["groups"]

    def rules(self):
        return [rule for group in self.groups() for rule in group["rules"]]
