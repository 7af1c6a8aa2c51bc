"""pytest fixtures: one PostgreSQL cluster a session, one migrated database a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest

from tests.kit.postgres import OWNER, PrivatePostgres

_TEMPLATE = "kamcti_template"
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Database:
    """A migrated database of one test."""

    cluster: PrivatePostgres
    name: str

    def conninfo(self, role: str = OWNER) -> str:
        """A libpq connection string; roles are kamcti_owner, kamcti_switch, kamcti_gateway, kamcti_reader."""
        return self.cluster.conninfo(role, self.name)

    def connect(self, role: str = OWNER) -> psycopg.Connection[tuple[object, ...]]:
        """A connection in autocommit mode; the caller closes it (``with``)."""
        return psycopg.connect(self.conninfo(role), autocommit=True)


@pytest.fixture(scope="session")
def postgres_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivatePostgres]:
    """A fast (not durable) cluster for the whole session, with a migrated template database."""
    directory: Path = tmp_path_factory.mktemp("postgres")
    with PrivatePostgres(directory, fast=True) as cluster:
        cluster.create_database(_TEMPLATE)
        cluster.migrate(_TEMPLATE)
        yield cluster


@contextmanager
def new_database(cluster: PrivatePostgres) -> Iterator[Database]:
    """A database of one's own, dropped in the end: schema and roles are there, configuration and state are empty."""
    name = f"kamcti_test_{next(_numbers)}"
    cluster.create_database(name, template=_TEMPLATE)
    try:
        yield Database(cluster, name)
    finally:
        cluster.drop_database(name)


@pytest.fixture
def database(postgres_cluster: PrivatePostgres) -> Iterator[Database]:
    """A migrated database for one test."""
    with new_database(postgres_cluster) as made:
        yield made
