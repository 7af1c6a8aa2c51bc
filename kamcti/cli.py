"""The command line: ``kamcti migrate``, ``apply``, ``export`` and ``monitor``."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg

from kamcti import configuration_store, migrations, monitor, site_export, site_file

DATABASE_VARIABLE = "KAMCTI_DATABASE"

DONE = 0
REFUSED = 1
"""Nothing was done; standard error says why."""


class _Refusal(Exception):
    """What is told to the user, a line each."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. 0: done; 1: refused, with the reason on standard error; 2: wrong usage."""
    args = _parser().parse_args(argv)
    try:
        return int(args.run(args))
    except _Refusal as refusal:
        for line in refusal.lines:
            print(line, file=sys.stderr)
    except migrations.MigrationsMissing as missing:
        print(f"kamcti: {missing}", file=sys.stderr)
    except psycopg.Error as error:
        print(f"kamcti: {_in_words(error)}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return REFUSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kamcti", description="Administration of a kamcti site.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    migrate = commands.add_parser("migrate", help="bring the database to the newest schema")
    _add_database(migrate)
    migrate.add_argument("--dry-run", action="store_true", help="only say which migrations the database lacks")
    migrate.set_defaults(run=_migrate)

    apply = commands.add_parser("apply", help="make the configuration what a site file says")
    _add_database(apply)
    apply.add_argument("file", metavar="FILE", help="site file (YAML); - reads standard input")
    apply.add_argument("--dry-run", action="store_true", help="only say what would change")
    apply.set_defaults(run=_apply)

    export = commands.add_parser("export", help="write the configuration as a site file to standard output")
    _add_database(export)
    export.set_defaults(run=_export)

    watch = commands.add_parser("monitor", help="print the events of DNs as they happen")
    monitor.add_arguments(watch)
    watch.set_defaults(run=monitor.run)
    return parser


def _add_database(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--database",
        metavar="CONNINFO",
        help=f"libpq connection string or URI of the database; without it ${DATABASE_VARIABLE}",
    )


def _database(args: argparse.Namespace) -> str:
    conninfo = args.database or os.environ.get(DATABASE_VARIABLE)
    if not conninfo:
        raise _Refusal(f"kamcti: which database? Use --database, or set {DATABASE_VARIABLE}")
    return str(conninfo)


def _migrate(args: argparse.Namespace) -> int:
    conninfo = _database(args)
    if args.dry_run:
        names = migrations.pending(conninfo)
        print("\n".join(names) if names else "the schema is up to date")
        return DONE
    names = migrations.apply(conninfo)
    print("\n".join(f"applied {name}" for name in names) if names else "the schema is up to date")
    return DONE


def _apply(args: argparse.Namespace) -> int:
    conninfo = _database(args)
    try:
        wanted = site_file.parse(_content(args.file))
    except site_file.SiteFileWrong as wrong:
        lines = [f"{args.file}:{problem.line}: {problem}" for problem in wrong.problems]
        count = f"{len(lines)} problem{'s' if len(lines) != 1 else ''}"
        raise _Refusal(*lines, f"kamcti: {count} in {args.file}, nothing was changed") from None
    difference = configuration_store.apply(conninfo, wanted, dry_run=args.dry_run)
    for line in difference.lines():
        print(line)
    print(difference.summary() + (" (dry run: nothing was changed)" if args.dry_run else ""))
    return DONE


def _export(args: argparse.Namespace) -> int:
    sys.stdout.write(site_export.dump(configuration_store.read(_database(args))))
    return DONE


def _content(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise _Refusal(f"kamcti: cannot read {name}: {error.strerror}") from None


def _in_words(error: psycopg.Error) -> str:
    """A database error for people: PostgreSQL's own words, and what to do where we know it."""
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName):
        return "the database has no kamcti schema, or an old one: run kamcti migrate"
    if error.diag.message_primary is None:
        said = " ".join(str(error).split())
        return f"cannot reach the database: {said}" if isinstance(error, psycopg.OperationalError) else said
    lines = [error.diag.message_primary, error.diag.message_detail, error.diag.message_hint]
    return "the database refused: " + "\n  ".join(line for line in lines if line)
