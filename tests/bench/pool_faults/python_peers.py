#!/usr/bin/python3
"""Pools of Python as peers of tests/bench/pool_faults/run, which explains commands and answers.

    python_peers.py URL CONNECTIONS TIMEOUT_SECONDS VARIANT

VARIANT is a name of POOLS below.
"""

import json
import sys
import threading
import time
from contextlib import contextmanager

import psycopg2
import psycopg_pool
import sqlalchemy

CALL = "SELECT pg_sleep(0.002)"
MOST_SAMPLES = 1_000_000


class BareList:
    """A list of connections behind a lock: what one writes first. Nobody looks whether a connection
    is alive; one on which a call failed is thrown away."""

    def __init__(self, url, connections, timeout):
        self._connect = lambda: psycopg2.connect(url, connect_timeout=timeout)
        self._lock = threading.Lock()
        self._idle = []

    @contextmanager
    def borrow(self):
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        connection = connection or self._connect()
        try:
            yield connection
        except Exception:
            connection.close()
            raise
        with self._lock:
            self._idle.append(connection)

    def call(self, connection):
        with connection, connection.cursor() as cursor:
            cursor.execute(CALL)


class PsycopgPool:
    """psycopg_pool.ConnectionPool. Version 3.1 of Debian 12 has no check at borrow."""

    def __init__(self, url, connections, timeout):
        self._pool = psycopg_pool.ConnectionPool(
            url, min_size=connections, max_size=connections, timeout=timeout)
        self._pool.wait(timeout)

    def borrow(self):
        return self._pool.connection()

    def call(self, connection):
        connection.execute(CALL)


class SqlAlchemy:
    """create_engine with its QueuePool; `pre_ping` is the documented pessimistic handling."""

    def __init__(self, url, connections, timeout, pre_ping=False):
        self._engine = sqlalchemy.create_engine(
            url, pool_size=connections, max_overflow=0, pool_timeout=timeout,
            pool_pre_ping=pre_ping, connect_args={"connect_timeout": timeout})

    def borrow(self):
        return self._engine.connect()

    def call(self, connection):
        connection.execute(sqlalchemy.text(CALL))


def sqlalchemy_pre_ping(url, connections, timeout):
    return SqlAlchemy(url, connections, timeout, pre_ping=True)


POOLS = {"bare-list": BareList, "psycopg_pool": PsycopgPool, "sqlalchemy": SqlAlchemy,
         "sqlalchemy-pre-ping": sqlalchemy_pre_ping}


def warm(pool, connections):
    """Opens all connections: borrows them at once and calls on each."""
    together = threading.Barrier(connections)
    errors = []

    def borrow_one():
        try:
            with pool.borrow() as connection:
                together.wait(timeout=30)
                pool.call(connection)
        except Exception as error:  # whatever a pool throws is a failure
            together.abort()
            errors.append(str(error).strip())

    threads = [threading.Thread(target=borrow_one) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"error": errors[0]} if errors else {}


class Load:
    """Calls of several threads, and how they ended."""

    def __init__(self, pool):
        self._pool = pool
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = []
        self._mark = None
        self._result = {"calls": 0, "failed": 0, "longest_ms": 0}

    def start(self, threads, pause_ms):
        def run():
            while not self._stop.is_set():
                self.call_once()
                time.sleep(pause_ms / 1000)
        self._threads = [threading.Thread(target=run) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def call_once(self):
        begin = time.monotonic()
        try:
            with self._pool.borrow() as connection:
                self._pool.call(connection)
            ok = True
        except Exception:  # whatever a pool throws is a failure
            ok = False
        end = time.monotonic()
        with self._lock:
            result = self._result
            result["calls"] += 1
            result["failed"] += not ok
            result["longest_ms"] = max(result["longest_ms"], round((end - begin) * 1000))
            if ok and self._mark is not None:
                result.setdefault("first_ok_ms", round((end - self._mark) * 1000))

    def mark(self):
        with self._lock:
            self._mark = time.monotonic()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return self._result


def measure_cycle(pool, threads, time_ms):
    samples = [[] for _ in range(threads)]
    end = time.perf_counter_ns() + time_ms * 1_000_000

    def run(mine):
        begin = time.perf_counter_ns()
        while begin < end and len(mine) < MOST_SAMPLES:
            with pool.borrow():
                pass
            after = time.perf_counter_ns()
            mine.append(after - begin)
            begin = after

    workers = [threading.Thread(target=run, args=(mine,)) for mine in samples]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    merged = sorted(sample for mine in samples for sample in mine)
    return {"p50_ns": merged[len(merged) // 2]}


def main():
    url, connections, timeout, variant = sys.argv[1:]
    pool = POOLS[variant](url, int(connections), int(timeout))
    load = None
    for line in sys.stdin:
        command, *numbers = line.split()
        numbers = [int(number) for number in numbers]
        answer = {}
        if command == "warm":
            answer = warm(pool, int(connections))
        elif command == "calls":
            calls = Load(pool)
            for _ in range(numbers[0]):
                calls.call_once()
            answer = calls.stop()
        elif command == "start":
            load = Load(pool)
            load.start(*numbers)
        elif command == "mark":
            load.mark()
        elif command == "stop":
            answer = load.stop()
        elif command == "cycle":
            answer = measure_cycle(pool, *numbers)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
