#!/usr/bin/env python3
"""Proves that the checks catch what they are for: plants each violation, and a clean twin."""

import unittest

import include_rules
import source_rules
import sql_rules
from source_tree import SourceFile, project_files


def include_findings(path: str, *headers: str, also: tuple[SourceFile, ...] = ()) -> list:
    text = "#pragma once\n\n" + "".join(f'#include "{header}"\n' for header in headers)
    return include_rules.check([SourceFile(path, text), *also])


class IncludeRules(unittest.TestCase):
    FORBIDDEN = [
        ("pool/pool.cc", "server/account/user.h"),
        ("pool/pool.h", "auth/v1/user.pb.h"),
        ("pool/pool.cc", "grpcpp/grpcpp.h"),
        ("server/work/worker_pool.h", "pool/connection_pool.h"),
        ("server/work/worker_pool.cc", "server/rpc/unary_call.h"),
        ("server/work/worker_pool.cc", "pqxx/pqxx"),
        ("server/account/sign_in.cc", "server/store/pg_user_store.h"),
        ("server/account/sign_in.cc", "grpcpp/support/status.h"),
        ("server/account/sign_in.h", "pool/transaction_runner.h"),
        ("server/store/pg_user_store.cc", "server/rpc/status_mapping.h"),
        ("server/store/pg_user_store.cc", "auth/v1/user.pb.h"),
        ("server/ops/metrics.cc", "pool/connection_pool.h"),
        ("server/ops/metrics.cc", "grpcpp/server.h"),
        ("server/rpc/auth_service.cc", "server/store/pg_user_store.h"),
        ("server/rpc/auth_service.cc", "pool/connection_pool.h"),
        ("server/rpc/auth_service.cc", "libpq-fe.h"),
        ("server/dev/embedded_postgres.cc", "pqxx/pqxx"),
        ("server/application.cc", "grpcpp/grpcpp.h"),
        ("server/application.cc", "client/auth_client.h"),
        ("client/auth_client.cc", "server/rpc/status_mapping.h"),
        ("client/auth_client.cc", "pqxx/pqxx"),
        ("client/auth_client.cc", "auth/v1/auth_service.grpc.pb.h", "pool/backoff.h"),
        ("server/account/password_policy.cc", "argon2.h"),
        ("server/store/migrator.cc", "argon2.h"),
        ("pool/pool.cc", "tests/support/fake_clock.h"),
        ("server/rpc/auth_service.h", "../account/user.h"),
    ]
    ALLOWED = [
        ("pool/pool.cc", "pool/backoff.h", "pqxx/pqxx", "absl/status/status.h"),
        ("server/work/worker_pool.h", "pool/clock.h", "pool/mutex.h", "server/work/queue.h"),
        ("server/account/argon2_hasher.cc", "argon2.h", "server/account/password_hasher.h"),
        ("server/store/pg_user_store.cc", "pool/connection_pool.h", "server/account/user.h"),
        ("server/ops/metrics.h", "pool/pool_stats.h", "pool/pool_observer.h"),
        ("server/rpc/auth_service.cc", "auth/v1/auth_service.grpc.pb.h", "server/ops/metrics.h",
         "server/work/worker_pool.h", "server/account/sign_in.h", "pool/pool_stats.h"),
        ("server/application.cc", "server/rpc/grpc_server.h", "server/store/migrator.h",
         "pool/connection_pool.h"),
        ("client/auth_client.cc", "auth/v1/auth_service.grpc.pb.h", "grpcpp/grpcpp.h"),
        ("tests/unit/rpc/x_test.cc", "server/rpc/auth_service.h", "grpcpp/grpcpp.h", "pqxx/pqxx",
         "argon2.h", "tests/support/fake_clock.h"),
    ]

    def test_planted_violations_are_found(self):
        for path, *headers in self.FORBIDDEN:
            with self.subTest(path=path, headers=headers):
                found = include_findings(path, *headers)
                self.assertEqual(1, len(found))
                self.assertEqual(path, found[0].path)
                self.assertEqual(2 + len(headers), found[0].line)

    def test_what_the_architecture_allows_passes(self):
        for path, *headers in self.ALLOWED:
            with self.subTest(path=path):
                self.assertEqual([], include_findings(path, *headers))

    def test_angle_brackets_hide_nothing(self):
        text = "#  include <server/rpc/auth_service.h>\n"
        self.assertEqual(1, len(include_rules.check([SourceFile("pool/pool.cc", text)])))

    def test_a_bare_neighbour_is_found(self):
        neighbour = SourceFile("pool/backoff.h", "#pragma once\n")
        self.assertEqual(1, len(include_findings("pool/pool.cc", "backoff.h", also=(neighbour,))))

    def test_argon2_has_one_file(self):
        files = [SourceFile(f"server/account/argon2_{name}.cc", "#include <argon2.h>\n")
                 for name in ("hasher", "arena")]
        self.assertEqual(1, len(include_rules.check(files)))


class SourceRules(unittest.TestCase):
    # Rule, path, text that breaks it, text that does not.
    CASES = [
        ("built-sql", "server/store/a.cc", 'auto q = "SELECT 1 FROM t WHERE id = " + id;',
         'constexpr char kFind[] = "SELECT 1 FROM t WHERE id = $1"\n  " AND a = $2";'),
        ("built-sql", "server/store/a.cc", 'Run(R"sql(\n  DELETE FROM t WHERE id = )sql" + id);',
         'Run(R"sql(\n  DELETE FROM t WHERE id = $1)sql", id);'),
        ("built-sql", "pool/a.cc", 'absl::StrCat("SET statement_timeout = ", ms)',
         'absl::StrCat("set by ", flag)'),
        ("built-sql", "pool/a.cc", 'out << transaction.quote(name);', 'out << std::quoted(name);'),
        ("sleep", "tests/unit/a_test.cc", "std::this_thread::sleep_for(1ms);",
         "// never sleep_for(1ms)\nEventually(done);"),
        ("sleep", "pool/a.cc", "usleep(10);", 'Execute("SELECT pg_sleep(1)");'),
        ("clock", "server/rpc/a.cc", "auto now = std::chrono::steady_clock::now();",
         "auto now = clock->Monotonic();"),
        ("mutex", "pool/a.h", "#pragma once\nstd::mutex mutex_;", "#pragma once\nMutex mutex_;"),
        ("detached-thread", "server/a.cc", "std::thread(run).detach();", "thread_.join();"),
        ("skipped-test", "tests/a_test.cc", "TEST(A, DISABLED_B) {}", "TEST(A, B) {}"),
        ("pragma-once", "pool/a.h", "int a;\n", "#pragma once\nint a;\n"),
        ("vague-name", "pool/a.cc", "class SessionManager {", "class SessionTable {"),
        ("vague-name", "pool/a.cc", "namespace auth::util {", "namespace auth::pool {"),
        ("bare-nolint", "pool/a.cc", "f();  // NOLINT", "f();  // NOLINT(bugprone-foo): why"),
        ("unfinished", "README.md", "TODO: write", "mktemp /tmp/XXXXXX"),
        ("somebody's-machine", "deploy/run", "cd /home/ada/auth", "cd $HOME/auth"),
        ("registry", "tests/e2e/package-lock.json", '"resolved": "https://example.com/a.tgz"',
         '"version": "1.0.0"'),
    ]

    @staticmethod
    def broken_rules(path: str, text: str) -> list[str]:
        return [finding.message.rsplit("[", 1)[1].rstrip("]")
                for finding in source_rules.check([SourceFile(path, text)])]

    def test_planted_violations_are_found_and_clean_twins_pass(self):
        for rule, path, bad, good in self.CASES:
            with self.subTest(rule=rule, bad=bad):
                self.assertEqual([rule], self.broken_rules(path, bad))
                self.assertEqual([], self.broken_rules(path, good))

    def test_every_rule_is_proven(self):
        self.assertEqual({rule.name for rule in source_rules.RULES}, {case[0] for case in self.CASES})

    def test_a_comment_keeps_its_lines(self):
        text = "/* one\n two */\nusleep(1);\n"
        self.assertEqual(3, source_rules.check([SourceFile("pool/a.cc", text)])[0].line)


class SqlRules(unittest.TestCase):
    MIGRATION = "server/store/migrations/0009_test.sql"
    # What a migration may not say, and the line of the word that is found.
    BAD_MIGRATIONS = [
        ("CREATE TABLE t (\n  id serial PRIMARY KEY);", 2),
        ("CREATE TABLE t (id uuid PRIMARY KEY, n varchar(10));", 1),
        ("CREATE TABLE t (id uuid PRIMARY KEY, n bigint DEFAULT nextval('n'));", 1),
        ("CREATE TABLE t (id uuid PRIMARY KEY DEFAULT gen_random_uuid());", 1),
        ("CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY);", 1),
        ("CREATE TABLE t (id uuid, tags text[]);", 1),
        ("CREATE TABLE t (data jsonb);", 1),
        ("CREATE TABLE t (id uuid) PARTITION BY HASH (id);", 1),
        ("CREATE TABLE t (email text COLLATE \"de-DE\");", 1),
        ('CREATE TABLE "t" (id uuid);', 1),
        ("CREATE UNLOGGED TABLE t (id uuid);", 1),
        ("CREATE SEQUENCE n;", 1),
        ("CREATE TABLE t (id uuid);\nCREATE INDEX CONCURRENTLY i ON t (id);", 2),
        ("CREATE TABLE t (id uuid);\nCREATE INDEX i ON t USING gin (id);", 2),
        ("CREATE TABLE t (id uuid);\nCREATE UNIQUE INDEX i ON t (lower(id));", 2),
        ("-- a comment\n/* and\none */ LOCK TABLE users;", 3),
        ("DO $$ BEGIN END $$;", 1),
        ("CREATE EXTENSION citext;", 1),
        ("CREATE TRIGGER a AFTER INSERT ON users EXECUTE FUNCTION f();", 1),
        ("SET statement_timeout = 0;", 1),
        ("SET LOCAL work_mem = 0;", 1),
        ("TRUNCATE users;", 1),
        ("SELECT pg_notify('a', 'b');", 1),
    ]
    # What a statement in C++ may not say.
    BAD_STATEMENTS = [
        "LISTEN events",
        "SELECT id FROM users FOR UPDATE SKIP LOCKED",
        "SELECT id FROM users WHERE data @> $1",
        "SELECT data->>'a' FROM users",
        "SELECT id FROM users LIMIT 1",
        "SELECT id FROM users WHERE email_key = ANY($1::text[])",
        "SELECT lower(email) FROM users",
        "SELECT now()",
        "SELECT current_setting('work_mem')",
        "SELECT set_config('work_mem', $1, true)",
        "SELECT id FROM users u TABLESAMPLE system (1)",
        "INSERT INTO users (id) VALUES ($1::uuid) ON CONFLICT (id) WHERE state = 1 DO NOTHING",
        "INSERT INTO users (id) VALUES ($1::uuid) ON CONFLICT DO UPDATE SET id = $1::uuid",
        "INSERT INTO users (id) VALUES ($1::uuid) RETURNING xmax",
        "BEGIN",
        "BEGIN ISOLATION LEVEL SERIALIZABLE",
        "SAVEPOINT a",
        "WITH RECURSIVE a AS (SELECT 1) SELECT 1 FROM a",
        "COPY users FROM STDIN",
        "SELECT E'a\\\\n'",
        "SELECT $$a$$",
    ]

    @classmethod
    def setUpClass(cls):
        cls.files = [file for file in project_files()
                     if file.path.startswith(("server/store/", "pool/pqxx_", "pool/labelled_"))]

    def found_in(self, path: str, text: str) -> list:
        findings = sql_rules.check([*self.files, SourceFile(path, text)])
        return [finding for finding in findings if finding.path == path]

    def test_planted_migrations_are_found(self):
        for text, line in self.BAD_MIGRATIONS:
            with self.subTest(text=text):
                found = self.found_in(self.MIGRATION, text)
                self.assertTrue(found)
                self.assertEqual(line, found[0].line)

    def test_planted_statements_are_found(self):
        for sql in self.BAD_STATEMENTS:
            for text in (f'constexpr Statement kA = {{"a", "{sql}"}};',
                         f'constexpr char kA[] = R"sql(\n{sql}\n)sql";',
                         f'\nRun("{sql}");', f'\nRun("{sql[:9]}" /* , */\n    "{sql[9:]}");'):
                with self.subTest(text=text):
                    self.assertTrue(self.found_in("server/store/a.cc", text))

    def test_the_line_is_that_of_the_word(self):
        text = 'f();\nconstexpr char kA[] = R"sql(\nSELECT 1\n  FROM users LIMIT 1)sql";\n'
        self.assertEqual([4], [found.line for found in self.found_in("pool/a.cc", text)])

    def test_small_letters_hide_nothing_in_a_statement(self):
        self.assertTrue(self.found_in("pool/a.cc", 'Statement kA = {"a", "listen events"};'))

    def test_what_the_table_has_passes(self):
        for text in ("CREATE TABLE t (\n  id uuid PRIMARY KEY,  -- serial, LOCK\n  n bigint);",
                     "CREATE TABLE t (position bigint NOT NULL, CONSTRAINT c UNIQUE (position));"):
            self.assertEqual([], self.found_in(self.MIGRATION, text))
        for text in ('#define COLUMNS "id, " \\\n  "email"\n'
                     'Statement kA = {"a", "SELECT " COLUMNS " FROM users"};',
                     '// Run("LISTEN events");\nf("serial", \'"\', "SELECTED", "Set it");'):
            self.assertEqual([], self.found_in("server/store/a.cc", text))

    def test_a_row_that_nothing_uses_is_found(self):
        files = [file if file.path != sql_rules.TABLE else SourceFile(
            file.path, file.text.replace("`SELECT`", "`SELECT`, `LOCK TABLE`", 1))
                 for file in self.files]
        self.assertEqual(1, len(sql_rules.check(files)))

    def test_a_start_up_option_is_found(self):
        options = SourceFile("pool/a.cc", 'StrCat(" -c work_mem=", 1)')
        self.assertEqual(1, len(sql_rules.check([*self.files, options])))


if __name__ == "__main__":
    unittest.main()
