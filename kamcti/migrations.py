"""Bring a database to the newest schema: the SQL files of ``db/migrations``, applied in order, each once.

The tool that applies them, yoyo, keeps its records in the schema ``kamcti_migrations``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import yoyo  # type: ignore[import-untyped]
from psycopg.conninfo import conninfo_to_dict

DIRECTORY = Path(__file__).resolve().parent.parent / "db" / "migrations"

_RECORDS_SCHEMA = "kamcti_migrations"
_LOCK = 0x6B616D637469
"""Key of the advisory lock that one migrating process holds ("kamcti" in ASCII)."""


class MigrationsMissing(Exception):
    """The directory with the SQL files is not where this program looks for it."""


def apply(conninfo: str, directory: Path = DIRECTORY) -> list[str]:
    """Apply what is not applied yet, and return the names of it, oldest first.

    ``conninfo`` is libpq's; its role owns the database and may create roles. Each file is one transaction: one that
    fails leaves the database at the file before it. Two processes at once take turns. Raises ``psycopg.Error`` for
    what PostgreSQL refuses, ``MigrationsMissing`` when there are no files.
    """
    available = _read(directory)
    with _alone(conninfo), _backend(conninfo) as backend:
        # The advisory lock is ours: a lock row that is still there was left by a process that died.
        backend.break_lock()
        pending = backend.to_apply(available)
        with backend.lock():
            backend.apply_migrations(pending)
        return [migration.id for migration in pending]


def pending(conninfo: str, directory: Path = DIRECTORY) -> list[str]:
    """The names of the migrations that a database lacks, oldest first, without changing it."""
    names = [migration.id for migration in _read(directory)]
    with psycopg.connect(conninfo, autocommit=True) as connection:
        records = f"{_RECORDS_SCHEMA}._yoyo_migration"
        row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [records]).fetchone()
        if row is None or not row[0]:
            return names
        applied = {name for (name,) in connection.execute(f"SELECT migration_id FROM {records}")}
    return [name for name in names if name not in applied]


def _read(directory: Path) -> yoyo.migrations.MigrationList:
    found = yoyo.read_migrations(str(directory))
    if not found:
        raise MigrationsMissing(f"no migrations in {directory}")
    return found


@contextmanager
def _alone(conninfo: str) -> Iterator[None]:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_RECORDS_SCHEMA}")
        yield


@contextmanager
def _backend(conninfo: str) -> Iterator[yoyo.backends.base.DatabaseBackend]:
    parameters = {name: value for name, value in conninfo_to_dict(conninfo).items() if value is not None}
    # Without a database in the path, yoyo hands every parameter to libpq as it is.
    backend = yoyo.get_backend(f"postgresql+psycopg://?{urlencode({**parameters, 'schema': _RECORDS_SCHEMA})}")
    with backend:
        yield backend
