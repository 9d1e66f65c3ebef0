#!/usr/bin/env python3
"""How many cores, replicas and connections a load needs: the tables of deploy/capacity.md.

  deploy/capacity.py                             the tables, with the inputs measured for capacity.md
  deploy/capacity.py --inputs FILE               with your own: FILE is what bench_capacity prints
  deploy/capacity.py --set replica_cores=16 …    with other assumptions, or single inputs
  deploy/capacity.py --load 60000 20000          for a load of your own: registrations a minute and
                                                 validations a second; several are possible
  deploy/capacity.py --check|--write FILE        whether the tables in FILE are these; put them there
"""

import argparse
import math
import sys
from typing import NamedTuple

# Name -> value, unit and meaning. Measured by build/release/bin/bench_capacity.
INPUTS = {
    "hash_ms": (22.9, "ms of processor", "one Argon2id hash with the default parameters"),
    "register_service_ms": (0.41, "ms of processor", "a Register in the service, without its hash"),
    "register_database_ms": (0.24, "ms of processor",
                             "a Register in PostgreSQL, its background work included"),
    "register_held_ms": (3.2, "ms", "for which a Register holds a connection, without a network"),
    "register_wal_bytes": (1306, "bytes", "of WAL a Register writes"),
    "register_stored_bytes": (743, "bytes", "by which a Register makes the database larger"),
    "validate_service_ms": (0.15, "ms of processor", "a ValidateSession in the service"),
    "validate_database_ms": (0.072, "ms of processor", "a ValidateSession in PostgreSQL"),
    "validate_held_ms": (0.38, "ms", "for which it holds a connection, without a network"),
}
ASSUMPTIONS = {
    "replica_cores": (4, "cores", "of one replica"),
    "busy": (0.7, "", "share of all cores that is planned to work; the rest is for peaks"),
    "round_trip_ms": (0.5, "ms", "between service and database: another zone of one region"),
    "connections_busy": (0.5, "", "share of the connections that is planned to work"),
    "spare_replicas": (1, "", "beyond what the load needs: one may fail, or be replaced"),
    "database_cores": (64, "cores", "of one database machine"),
    "database_connections": (1000, "", "that one database machine takes well"),
    "database_wal_mb": (200, "MB/s", "of WAL that its disk and its standbys take"),
}
# Registrations a minute, validations a second.
LOADS = [(1e3, 0), (1e5, 0), (1e6, 0), (0, 1e6)]

BEGIN = "<!-- deploy/capacity.py writes from here … -->"
END = "<!-- … to here -->"


class Plan(NamedTuple):
    hash_cores: float  # at work
    service_cores: float  # at work, hashing included
    replicas: int
    pool_max: int  # --pool-max-connections
    connections_at_work: float
    connection_limit: int  # what the database must grant
    database_cores: float  # at work
    wal_mb: float  # a second
    stored_gb: float  # a day
    fullest: str
    fullest_share: float  # of one database machine


def plan(registrations_per_minute: float, validations: float, value: dict[str, float]) -> Plan:
    registrations = registrations_per_minute / 60

    def each_second(register: float, validate: float) -> float:
        return registrations * register + validations * validate

    hash_cores = registrations * value["hash_ms"] / 1e3
    service_cores = hash_cores + each_second(value["register_service_ms"],
                                             value["validate_service_ms"]) / 1e3
    needed = math.ceil(service_cores / value["busy"] / value["replica_cores"])
    replicas = max(1, needed) + int(value["spare_replicas"])

    # Little's law: how many are held at any moment.
    at_work = each_second(value["register_held_ms"] + value["round_trip_ms"],
                          value["validate_held_ms"] + value["round_trip_ms"]) / 1e3
    # All of them must fit into those that serve when the spare ones do not.
    pool_max = max(2, math.ceil(at_work / value["connections_busy"] / max(1, needed)))
    # In a rolling update one replica starts and one drains beyond those that serve; and one migrates.
    connection_limit = pool_max * (replicas + 2) + 1

    database_cores = each_second(value["register_database_ms"], value["validate_database_ms"]) / 1e3
    wal_mb = registrations * value["register_wal_bytes"] / 1e6
    shares = {
        "cores": database_cores / value["busy"] / value["database_cores"],
        "connections": connection_limit / value["database_connections"],
        "WAL": wal_mb / value["database_wal_mb"],
    }
    fullest = max(shares, key=lambda name: shares[name])
    return Plan(hash_cores, service_cores, replicas, pool_max, at_work, connection_limit,
                database_cores, wal_mb, registrations * value["register_stored_bytes"] * 86400 / 1e9,
                fullest, shares[fullest])


def number(amount: float) -> str:
    """With two digits that count, and commas between thousands."""
    if amount == 0:
        return "0"
    digits = max(0, 1 - math.floor(math.log10(abs(amount))))
    return f"{round(amount, digits):,.{digits}f}"


def per_core_table(value: dict[str, float]) -> str:
    rows = [
        ("hashes", 1e3 / value["hash_ms"], None, None),
        ("Register",
         1e3 / (value["hash_ms"] + value["register_service_ms"]),
         1e3 / value["register_database_ms"],
         1e3 / (value["register_held_ms"] + value["round_trip_ms"])),
        ("ValidateSession",
         1e3 / value["validate_service_ms"], 1e3 / value["validate_database_ms"],
         1e3 / (value["validate_held_ms"] + value["round_trip_ms"])),
    ]
    lines = ["| a second | a core of the service | a core of the database | a connection |",
             "|---|---|---|---|"]
    for name, *cells in rows:
        shown = " | ".join("" if cell is None else number(cell) for cell in cells)
        lines.append(f"| {name} | {shown} |")
    return "\n".join(lines)


def plan_table(loads: list[tuple[float, float]], value: dict[str, float]) -> str:
    lines = [
        "| load | service: cores at work, of them hashing | replicas | `--pool-max-connections` "
        "| connections at work | connections to grant | database: cores at work | WAL | stored a day "
        "| fullest part of one database machine |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for registrations, validations in loads:
        need = plan(registrations, validations, value)
        load = " and ".join(filter(None, [
            f"{registrations:,.0f} registrations a minute" if registrations else "",
            f"{validations:,.0f} validations a second" if validations else ""]))
        lines.append(
            f"| {load} | {number(need.service_cores)}, {number(need.hash_cores)} | {need.replicas} "
            f"| {need.pool_max} | {number(need.connections_at_work)} | {need.connection_limit:,} "
            f"| {number(need.database_cores)} | {number(need.wal_mb)} MB/s "
            f"| {number(need.stored_gb)} GB | {need.fullest}: {need.fullest_share:.0%} |")
    return "\n".join(lines)


def value_table(meanings: dict[str, tuple[float, str, str]], value: dict[str, float]) -> str:
    lines = ["| name | value | meaning |", "|---|---|---|"]
    for name, (_, unit, meaning) in meanings.items():
        lines.append(f"| `{name}` | {value[name]:g}{' ' + unit if unit else ''} | {meaning} |")
    return "\n".join(lines)


def tables(loads: list[tuple[float, float]], value: dict[str, float]) -> str:
    return "\n\n".join([
        plan_table(loads, value), "What one can do:", per_core_table(value), "Measured:",
        value_table(INPUTS, value), "Assumed:", value_table(ASSUMPTIONS, value)])


def with_tables(document: str, text: str) -> str:
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"the document lacks the lines '{BEGIN}' and '{END}'")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


def read_pairs(lines: list[str], separator: str | None) -> dict[str, float]:
    pairs = {}
    for line in filter(str.strip, lines):
        name, *rest = line.strip().split(separator)
        if name not in INPUTS | ASSUMPTIONS:
            raise SystemExit(f"unknown: {name}. Known are {', '.join(INPUTS | ASSUMPTIONS)}.")
        try:
            pairs[name] = float(rest[0])
        except (IndexError, ValueError):
            raise SystemExit(f"not a name and a number: {line.strip()}") from None
    return pairs


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", metavar="FILE")
    parser.add_argument("--set", metavar="NAME=VALUE", action="extend", nargs="+", default=[])
    parser.add_argument("--load", metavar=("REGISTRATIONS", "VALIDATIONS"), type=float, nargs=2,
                        action="append", default=[])
    document = parser.add_mutually_exclusive_group()
    document.add_argument("--check", metavar="FILE")
    document.add_argument("--write", metavar="FILE")
    options = parser.parse_args(arguments)

    value = {name: row[0] for name, row in (INPUTS | ASSUMPTIONS).items()}
    if options.inputs:
        with open(options.inputs, encoding="utf-8") as file:
            value |= read_pairs(file.readlines(), None)
    value |= read_pairs(options.set, "=")
    text = tables([tuple(load) for load in options.load] or LOADS, value)

    path = options.check or options.write
    if path is None:
        print(text)
        return 0
    with open(path, encoding="utf-8") as file:
        old = file.read()
    new = with_tables(old, text)
    if options.write:
        with open(path, "w", encoding="utf-8") as file:
            file.write(new)
        return 0
    if new != old:
        print(f"{path} has other tables than this script: run deploy/capacity.py --write {path}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
