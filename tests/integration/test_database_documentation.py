"""The SQL in ``docs/database.md`` works as it stands there."""

import re
from pathlib import Path

import psycopg
import pytest

from tests.kit.fixtures_postgres import Database

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "database.md").read_text()
EXAMPLES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)


def test_the_examples_can_be_run_in_their_order(database: Database) -> None:
    assert len(EXAMPLES) >= 4
    with database.connect() as connection:
        for example in EXAMPLES:
            connection.execute(example)
        assert connection.execute("SELECT count(*) FROM kamcti.dn WHERE type = 'Extension'").fetchone() == (20,)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM kamcti.dn WHERE number = '7000'", "DN 7000 cannot be deleted: routes lead to it"),
        ("DELETE FROM kamcti.dn WHERE number = '7000'", "Numbers routed to it: 0800100."),
        (
            "INSERT INTO kamcti.dn (number, type) VALUES ('1', 'Extension')",
            'new row for relation "dn" violates check constraint "an Extension needs a trunk: the way to its phone"',
        ),
    ],
)
def test_the_refusals_are_quoted_as_they_are(database: Database, statement: str, words: str) -> None:
    assert words in PAGE
    with database.connect() as connection:
        connection.execute(EXAMPLES[0])
        with pytest.raises(psycopg.Error) as refusal:
            connection.execute(statement)
    assert words in str(refusal.value)


def test_every_table_and_role_is_on_the_page(database: Database) -> None:
    with database.connect() as connection:
        rows = connection.execute(
            """
            SELECT relname FROM pg_class
            WHERE relnamespace = 'kamcti'::regnamespace AND relkind IN ('r', 'p', 'v') AND NOT relispartition
            UNION ALL SELECT rolname FROM pg_roles WHERE rolname IN ('kamcti_switch', 'kamcti_gateway', 'kamcti_reader')
            """
        ).fetchall()
    assert [name for (name,) in rows if f"`{name}`" not in PAGE and f"kamcti.{name}" not in PAGE] == []
