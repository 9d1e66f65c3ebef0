"""deploy/capacity.py: its arithmetic, by hand; its command line; and that it notices a stale table.

  capacity_test.py DEPLOY_FOLDER BENCH_CAPACITY
"""

import contextlib
import io
import pathlib
import subprocess
import sys
import tempfile
import unittest

DEPLOY, BENCH = pathlib.Path(sys.argv[1]), sys.argv[2]
sys.path.insert(0, str(DEPLOY))
import capacity  # noqa: E402  # pylint: disable=wrong-import-position

DOCUMENT = DEPLOY / "capacity.md"
# Numbers that a reader can follow.
VALUE = {
    "hash_ms": 10, "register_service_ms": 2, "register_database_ms": 4, "register_held_ms": 9,
    "register_wal_bytes": 1000, "register_stored_bytes": 500, "validate_service_ms": 0.2,
    "validate_database_ms": 0.1, "validate_held_ms": 0.5,
    "replica_cores": 4, "busy": 0.5, "round_trip_ms": 1, "connections_busy": 0.5,
    "spare_replicas": 1, "database_cores": 10, "database_connections": 100, "database_wal_mb": 1,
}


def run(*arguments: object) -> tuple[int, str]:
    """The exit code and what was printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = capacity.main([str(argument) for argument in arguments])
    return code, printed.getvalue()


class Arithmetic(unittest.TestCase):
    def test_registrations(self):
        need = capacity.plan(60 * 100, 0, VALUE)
        self.assertAlmostEqual(1.0, need.hash_cores)      # 100 x 10 ms
        self.assertAlmostEqual(1.2, need.service_cores)   # 100 x 12 ms
        self.assertEqual(2, need.replicas)                # 2.4 cores of 4, and a spare one
        self.assertAlmostEqual(1.0, need.connections_at_work)  # 100 x (9 + 1) ms
        self.assertEqual(2, need.pool_max)                # half of them at work, on one replica
        self.assertEqual(9, need.connection_limit)        # 2 x (2 + two of a rolling update) + a migration
        self.assertAlmostEqual(0.4, need.database_cores)  # 100 x 4 ms
        self.assertAlmostEqual(0.1, need.wal_mb)
        self.assertAlmostEqual(4.32, need.stored_gb)      # 100 x 500 x 86400
        self.assertEqual("WAL", need.fullest)             # 0.1 of 1; cores 0.8 of 10; 6 of 100
        self.assertAlmostEqual(0.1, need.fullest_share)

    def test_validations(self):
        need = capacity.plan(0, 50_000, VALUE)
        self.assertAlmostEqual(10, need.service_cores)    # 50,000 x 0.2 ms
        self.assertEqual(0, need.hash_cores)
        self.assertEqual(6, need.replicas)                # 20 cores, and a spare one
        self.assertAlmostEqual(75, need.connections_at_work)  # 50,000 x 1.5 ms
        self.assertEqual(30, need.pool_max)               # 150 on five
        self.assertEqual(241, need.connection_limit)      # 30 x (6 + 2) + 1
        self.assertEqual("connections", need.fullest)     # 2.41; cores 5 / 0.5 / 10 = 1
        self.assertAlmostEqual(2.41, need.fullest_share)

    def test_the_connections_of_all_replicas_fit_into_what_is_granted(self):
        for registrations in (0, 1, 1e3, 1e5, 1e7):
            for validations in (0, 10, 1e6):
                need = capacity.plan(registrations, validations, VALUE)
                self.assertLess(need.replicas * need.pool_max, need.connection_limit)
                serving = need.replicas - VALUE["spare_replicas"]
                self.assertGreaterEqual(serving * need.pool_max * VALUE["connections_busy"],
                                        need.connections_at_work)

    def test_numbers_are_short(self):
        self.assertEqual(["0", "0.0031", "0.37", "3.7", "37", "374", "1,234"],
                         [capacity.number(x) for x in (0, 0.00312, 0.372, 3.72, 37.2, 374, 1234)])


class CommandLine(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, text: str) -> pathlib.Path:
        path = self.folder / "file"
        path.write_text(text, encoding="utf-8")
        return path

    def test_the_document_has_these_tables(self):
        self.assertEqual((0, ""), run("--check", DOCUMENT))

    def test_a_stale_document_is_noticed_and_mended(self):
        text = DOCUMENT.read_text(encoding="utf-8")
        row = next(line for line in text.splitlines() if line.startswith("| 1,000,000 registr"))
        stale = self.file(text.replace(row, row.replace(" MB/s", " GB/s")))
        self.assertNotEqual(text, stale.read_text(encoding="utf-8"))
        self.assertEqual(1, run("--check", stale)[0])
        run("--write", stale)
        self.assertEqual(text, stale.read_text(encoding="utf-8"))

    def test_other_values_and_loads_give_other_tables(self):
        usual = run()[1]
        self.assertNotEqual(usual, run("--set", "hash_ms=44")[1])
        self.assertNotEqual(usual, run("--set", "replica_cores=16", "busy=0.5")[1])
        self.assertIn("| 600 registrations a minute and 70 validations a second |",
                      run("--load", 600, 70)[1])

    def test_nonsense_is_refused(self):
        for arguments in (["--set", "hash=1"], ["--set", "hash_ms=x"], ["--set", "hash_ms"],
                          ["--inputs", self.file("hash_ms")], ["--check", self.file("empty")]):
            with self.subTest(arguments=arguments), self.assertRaises(SystemExit) as refusal:
                run(*arguments)
            self.assertIsInstance(refusal.exception.code, str)

    def test_what_is_measured_here_are_its_inputs(self):
        measured = subprocess.run([BENCH, "1", "1"], check=True, capture_output=True, text=True,
                                  timeout=240).stdout
        self.assertEqual(set(capacity.INPUTS), {line.split()[0] for line in measured.splitlines()})
        self.assertEqual(0, run("--inputs", self.file(measured))[0])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
