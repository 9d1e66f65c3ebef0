"""deploy/run as people meet it: it serves, what it and the README tell to type works, it stops.

Usage: deploy_run_test.py CHECKOUT BIN_FOLDER

What it calls to install and to build is left out: whoever runs this test has done both.
tests/e2e/fresh_machine.sh goes all the way, on a fresh clone.
"""

import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from with_auth_server import STOP_SECONDS, die_with_parent, environment, poll

LISTENERS = ("listen", "http-listen", "ops-listen")


def shape(value):
    """The names in a JSON value, without what stands there."""
    return {name: shape(each) for name, each in value.items()} if isinstance(value, dict) else None


class DeployRunTest(unittest.TestCase):
    checkout = programs = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="auth-deploy-run-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.folder.chmod(0o755)  # as root, PostgreSQL runs as another user
        deploy, release = self.folder / "deploy", self.folder / "build/release"
        deploy.mkdir()
        release.mkdir(parents=True)
        shutil.copy2(self.checkout / "deploy/run", deploy)
        (release / "bin").symlink_to(self.programs)
        for name in ("install-deps", "build"):
            script = deploy / name
            script.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self.folder}/called"\n')
            script.chmod(0o755)
        self.log = self.folder / "log"
        self.process = None

    def start(self):
        flags = [f"--{listener}=127.0.0.1:0" for listener in LISTENERS]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [self.folder / "deploy/run", *flags], cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=environment(), preexec_fn=die_with_parent)
        self.addCleanup(self.process.kill)
        poll(lambda: "/readyz\n" in self.log.read_text(), self.process, "said what to type")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(0, self.process.wait(STOP_SECONDS), self.log.read_text())
        self.assertEqual([], list(self.folder.rglob("postmaster.pid")), "PostgreSQL is left")

    def said(self, word):
        """The last word of the line that begins with this one."""
        return re.search(rf"^  {word} +(?:http://)?(\S+)$", self.log.read_text(), re.MULTILINE)[1]

    def told(self, words):
        """The command with these words that it tells people to copy."""
        return next(line.strip() for line in self.log.read_text().splitlines()
                    if re.match("  (curl|echo|/)", line) and words in line)

    def type(self, command):
        ended = subprocess.run(["bash", "-c", command], cwd=self.folder, env=environment(),
                               capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(0, ended.returncode, f"{command}: {ended.stderr}")
        return ended.stdout

    def shown(self, program):
        """What the README shows people who type a command of this program: it, and its output."""
        readme = (self.checkout / "README.md").read_text()
        console = re.search(r"^```console\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)[1]
        session = next(each for each in re.split(r"^\$ ", console, flags=re.MULTILINE)
                       if each.startswith(program))
        command, _, output = session.partition("\n")
        return command, output

    def test_it_serves_what_it_and_the_readme_tell_to_type(self):
        self.start()
        self.assertEqual("install-deps \nbuild --without-tests release auth_server authctl\n",
                         (self.folder / "called").read_text())
        self.assertEqual(0o600, (self.folder / "data/admin-token").stat().st_mode & 0o777)

        self.assertIn("sessionToken", json.loads(self.type(self.told("/auth/signup")))["session"])
        self.type(self.told(" register "))
        self.assertIn("database", self.type(self.told(" pool status ")))
        self.type(self.told("/readyz"))

        # On the ports of this run, by another person, and without jq.
        command, output = self.shown("curl ")
        command = (command.replace("127.0.0.1:8000", self.said("HTTP/JSON"))
                   .replace("ada@", "readme@").replace(" | jq", ""))
        self.assertEqual(shape(json.loads(output)), shape(json.loads(self.type(command))))
        command, output = self.shown("build/release/bin/authctl ")
        names = [line.split()[0] for line in output.splitlines() if not line.startswith("…")]
        answer = self.type(f"{command} --server {self.said('gRPC')}")
        self.assertEqual(names, [line.split()[0] for line in answer.splitlines()[:len(names)]])
        self.stop()

    def test_the_next_start_finds_the_data(self):
        self.start()
        self.type(self.told(" register "))
        token = (self.folder / "data/admin-token").read_text()
        self.stop()
        self.start()
        self.type(self.told(" register ").replace(" register ", " sign-in "))
        self.assertEqual(token, (self.folder / "data/admin-token").read_text())
        self.stop()


if __name__ == "__main__":
    DeployRunTest.checkout, DeployRunTest.programs = map(pathlib.Path, sys.argv[1:])
    unittest.main(argv=sys.argv[:1], verbosity=2)
