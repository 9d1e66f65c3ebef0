"""The container image as its operators see it, run by podman with a real PostgreSQL.

Usage: image_test.py IMAGE_ARCHIVE AUTH_SERVER AUTHCTL AUTHCTL_SESSION

For a network namespace of its own: see CMakeLists.txt.
"""

import hashlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import unittest

import database
from containers import IMAGE, Container, Podman, http_status, wait_until

MEGABYTE = 1_000_000
MAX_SIZE = 100 * MEGABYTE
MAX_READY_MS = 300
MAX_IDLE_RSS = 30 * 2**20  # beside the arenas
ARENA = 20 * 2**20  # 19 MiB, in huge pages
STARTS = 5
SBOM = "usr/share/sbom/auth_service.cdx.json"


def open_to_all(**more):
    """What an operator says whose network encrypts."""
    return {"AUTH_ALLOW_PLAINTEXT": "on", "AUTH_OPS_LISTEN": "0.0.0.0:9090",
            "AUTH_DATABASE_URL": "postgresql://postgres@127.0.0.1/postgres", **more}


class ImageTest(unittest.TestCase):
    archive = auth_server = authctl = authctl_session = ""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="auth-image-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.folder.chmod(0o755)  # PostgreSQL runs as another user
        cls.podman = Podman(cls.folder)
        cls.podman.run("load", "--input", cls.archive)
        cls.image = json.loads(cls.podman.run("image", "inspect", IMAGE).stdout)[0]
        cls.root = pathlib.Path(cls.podman.run("image", "mount", IMAGE).stdout.strip())
        cls.postgres = database.Postgres(cls.folder / "postgres")

    def setUp(self):
        self.postgres.start()
        self.addCleanup(self.postgres.stop)

    def start(self, *options, **variables):
        return self.enterContext(Container(self.podman, *options, **variables))

    def paths(self):
        """Everything in the image but directories, as paths from its root."""
        return {path.relative_to(self.root) for path in self.root.rglob("*")
                if path.is_symlink() or not path.is_dir()}

    def serves(self):
        """A user's whole session by our authctl, from outside of the container."""
        subprocess.run([self.authctl_session, self.authctl, "127.0.0.1:50051"], check=True,
                       stdout=subprocess.DEVNULL, timeout=60)

    def test_the_image_says_what_it_is(self):
        config = self.image["Config"]
        self.assertEqual("65532:65532", config["User"])
        self.assertEqual(["/usr/bin/auth_server"], config["Entrypoint"])
        self.assertEqual("/usr/bin/authctl", self.image["Healthcheck"]["Test"][1])
        labels = {name.removeprefix("org.opencontainers.image."): value
                  for name, value in config["Labels"].items()}
        version = subprocess.run([self.auth_server, "--version"], check=True, text=True,
                                 capture_output=True).stdout.split()[-1]
        self.assertEqual(version, labels["version"])
        for name in ("title", "description", "licenses", "revision"):
            self.assertTrue(labels[name], name)

    def test_it_is_small(self):
        print(f"size: {self.image['Size'] / MEGABYTE:.1f} MB")
        self.assertLessEqual(self.image["Size"], MAX_SIZE)

    def test_only_our_programs_can_be_run(self):
        self.assertEqual(set(), {path for path in self.paths() if (self.root / path).is_symlink()})
        runnable = {str(path) for path in self.paths()
                    if os.access(self.root / path, os.X_OK) and ".so" not in path.name}
        self.assertEqual({"usr/bin/auth_server", "usr/bin/authctl"}, runnable)
        for path in self.root.rglob("*"):
            self.assertEqual(0, path.lstat().st_mode & 0o6022, f"{path} has mode")

    def test_the_sbom_names_every_library(self):
        sbom = json.loads((self.root / SBOM).read_text())
        self.assertEqual(("CycloneDX", "1.5"), (sbom["bomFormat"], sbom["specVersion"]))
        files = {file["name"].lstrip("/"): file["hashes"][0]["content"]
                 for component in sbom["components"] for file in component.get("components", [])}
        for path in self.paths():
            if ".so" in path.name or path.parts[:2] == ("usr", "bin"):
                digest = hashlib.sha256((self.root / path).read_bytes()).hexdigest()
                self.assertEqual(digest, files.pop(str(path), None), path)
        self.assertEqual({}, files, "are not in the image")

        packages = {component["name"]: component for component in sbom["components"]
                    if component["type"] == "library"}
        self.assertGreater(len(packages), 30)
        for name, package in packages.items():
            self.assertIn(f"pkg:deb/debian/{name}@", package["purl"])
            status = (self.root / "var/lib/dpkg/status.d" / name).read_text()
            self.assertIn(f"\nVersion: {package['version']}\n", status)
            self.assertTrue((self.root / "usr/share/doc" / name / "copyright").stat().st_size, name)

    def test_it_trusts_the_well_known_authorities(self):
        certificates = (self.root / "etc/ssl/certs/ca-certificates.crt").read_text()
        self.assertGreater(certificates.count("BEGIN CERTIFICATE"), 100)

    def test_without_a_word_about_encryption_it_refuses_to_start(self):
        variables = open_to_all()
        del variables["AUTH_ALLOW_PLAINTEXT"], variables["AUTH_OPS_LISTEN"]
        container = self.start(**variables)
        self.assertEqual(2, container.wait())
        self.assertIn("--tls-cert", container.log())

    def test_it_only_migrates_if_told_so(self):
        # As a Job, which has nothing to say about who may listen. The next one finds nothing to do.
        for time in ("first", "second"):
            container = self.start(AUTH_MIGRATE="only",
                                   AUTH_DATABASE_URL=open_to_all()["AUTH_DATABASE_URL"])
            self.assertEqual(0, container.wait(), f"{time}: {container.log()}")

    def test_it_serves_with_as_little_as_can_be_and_stops_when_told(self):
        container = self.start(**open_to_all())
        container.await_ready()
        self.serves()
        self.assertTrue(container.health())

        status = container.status()
        self.assertEqual({"65532"}, set(status["Uid"].split() + status["Gid"].split()))
        self.assertEqual("1", status["NSpid"].split()[-1])
        for kind in ("CapPrm", "CapEff", "CapInh", "CapAmb", "CapBnd"):
            self.assertEqual(0, int(status[kind], 16), kind)
        mounts = map(str.split, container.process("mounts"))
        root = next(mount for mount in mounts if mount[1] == "/")
        self.assertIn("ro", root[3].split(","))

        shell = self.podman.run("exec", container.id, "/bin/sh", "-c", "true", check=False)
        self.assertEqual(127, shell.returncode, shell.stderr)

        # Killed after that time, it would end with 137. --drain-delay is 5 s.
        self.podman.run("stop", "--time=20", container.id)
        self.assertEqual(0, container.wait())
        self.assertTrue(container.event("draining"))

    def test_it_waits_for_a_database_that_is_down_at_the_start(self):
        self.postgres.stop()
        container = self.start(**open_to_all())
        wait_until(lambda: container.event("pool_connect_failed"), "it has missed the database")
        wait_until(lambda: http_status("/livez") == 200, "it lives")
        self.assertEqual(503, http_status("/readyz"))
        self.assertFalse(container.health())
        self.postgres.start()
        wait_until(lambda: http_status("/readyz") == 200, "it is ready")
        self.serves()
        self.assertTrue(container.health())

    def test_it_finds_its_database_by_dns(self):
        names = database.NameServer()
        resolver = self.folder / "resolv.conf"
        resolver.write_text("nameserver 127.0.0.1\n")
        container = self.start(
            f"--volume={resolver}:/etc/resolv.conf:ro",
            **open_to_all(AUTH_DATABASE_URL=f"postgresql://postgres@{database.NAME}/postgres"))
        container.await_ready()
        self.assertGreater(names.answered, 0)

    def test_the_healthcheck_can_be_told_of_tls(self):
        tls = self.folder / "tls"
        tls.mkdir()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout", tls / "key",
                        "-out", tls / "cert", "-subj", "/CN=auth.test", "-addext",
                        "subjectAltName=DNS:auth.test"], check=True, capture_output=True)
        os.chown(tls / "key", 65532, 65532)
        container = self.start(
            f"--volume={tls}:/tls:ro", AUTH_TLS_CERT="/tls/cert", AUTH_TLS_KEY="/tls/key",
            AUTH_DATABASE_URL=open_to_all()["AUTH_DATABASE_URL"],
            AUTHCTL_TLS_CA="/tls/cert", AUTHCTL_TLS_SERVER_NAME="auth.test")
        container.await_ready()
        self.assertTrue(container.health())

    def test_it_is_ready_soon_and_needs_little_memory(self):
        # Another program may have had the processors: the best of three times five starts counts.
        medians, idle = [], []
        while not medians or min(medians) > MAX_READY_MS and len(medians) < 3:
            medians.append(statistics.median(self.time_starts(idle)))
        print(f"ready: median {min(medians):.0f} ms after `podman start`, of {STARTS}")
        print(f"idle: {max(idle) / MEGABYTE:.1f} MB beside the arenas, which are "
              f"{ARENA / MEGABYTE:.1f} MB for each hash worker")
        self.assertLessEqual(min(medians), MAX_READY_MS)
        self.assertLessEqual(max(idle), MAX_IDLE_RSS)

    def time_starts(self, idle):
        times = []
        for _ in range(STARTS):
            with Container(self.podman, **open_to_all(AUTH_HASH_WORKERS="2")) as container:
                times.append(container.await_ready())
                idle.append(int(container.status()["VmRSS"].split()[0]) * 1024 - 2 * ARENA)
        return times


if __name__ == "__main__":
    (ImageTest.archive, ImageTest.auth_server, ImageTest.authctl,
     ImageTest.authctl_session) = sys.argv[1:]
    unittest.main(argv=sys.argv[:1], verbosity=2)
