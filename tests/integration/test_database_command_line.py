"""The ``kamcti`` command line: exit status, what it prints, and no traceback whatever goes wrong."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kamcti import migrations
from kamcti.cli import main
from tests.kit.fixtures_postgres import Database
from tests.kit.postgres import PrivatePostgres

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "site.example.yaml"
SMALL = "switch: {name: s}\nqueues: [{dn: 7000}]\n"


@pytest.fixture
def empty_database(postgres_cluster: PrivatePostgres) -> Iterator[str]:
    postgres_cluster.create_database("kamcti_unmigrated")
    yield postgres_cluster.conninfo(dbname="kamcti_unmigrated")
    postgres_cluster.drop_database("kamcti_unmigrated")


@pytest.fixture(autouse=True)
def _no_default_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAMCTI_DATABASE", raising=False)


def test_migrate_says_what_it_did(empty_database: str, capsys: pytest.CaptureFixture[str]) -> None:
    names = sorted(path.stem for path in migrations.DIRECTORY.glob("*.sql"))
    assert main(["migrate", "--dry-run", "--database", empty_database]) == 0
    assert capsys.readouterr().out.split() == names
    assert main(["migrate", "--database", empty_database]) == 0
    assert capsys.readouterr().out.splitlines() == [f"applied {name}" for name in names]
    for arguments in (["migrate"], ["migrate", "--dry-run"]):
        assert main([*arguments, "--database", empty_database]) == 0
        assert capsys.readouterr().out == "the schema is up to date\n"


def test_apply_prints_each_row_and_a_summary(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(SMALL)
    arguments = ["apply", str(file), "--database", database.conninfo()]
    changes = "~ switch: name\n+ dn 7000\n1 added, 1 changed, 0 removed"
    assert main([*arguments, "--dry-run"]) == 0
    assert capsys.readouterr().out == f"{changes} (dry run: nothing was changed)\n"
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"{changes}\n"
    assert main(arguments) == 0
    assert capsys.readouterr().out == "no change\n"
    file.write_text("switch: {name: s}\n")
    assert main(arguments) == 0
    assert capsys.readouterr().out == "- dn 7000\n0 added, 0 changed, 1 removed\n"


def test_what_export_writes_apply_reads_from_standard_input(
    database: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAMCTI_DATABASE", database.conninfo())
    assert main(["apply", str(EXAMPLE)]) == 0
    capsys.readouterr()
    assert main(["export"]) == 0
    exported = capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(exported.encode())))
    assert main(["apply", "-"]) == 0
    assert capsys.readouterr().out == "no change\n"


def test_a_wrong_file_changes_nothing_and_every_mistake_is_told(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("switch: {name: s}\nqueues:\n- {dn: 7 0}\n- {dn: 7001, colour: red}\n")
    assert main(["apply", str(file), "--database", database.conninfo()]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        f"{file}:3: queues[0].dn: '7 0' is not a number or name of a DN:"
        " 1 to 64 of 0-9 A-Z a-z + * # _ . - without blanks",
        f"{file}:4: queues[1].colour: unknown key, known here: dn, name, enabled, options",
        f"kamcti: 2 problems in {file}, nothing was changed",
    ]
    with database.connect() as connection:
        assert connection.execute("SELECT name FROM kamcti.switch").fetchone() == ("kamcti",)


def test_a_missing_file(database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["apply", str(tmp_path / "none.yaml"), "--database", database.conninfo()]) == 1
    assert capsys.readouterr().err == f"kamcti: cannot read {tmp_path}/none.yaml: No such file or directory\n"


@pytest.mark.parametrize("arguments", [["migrate"], ["apply", str(EXAMPLE)], ["export"]])
def test_no_database_named(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1
    assert capsys.readouterr().err == "kamcti: which database? Use --database, or set KAMCTI_DATABASE\n"


@pytest.mark.parametrize("arguments", [["migrate"], ["migrate", "--dry-run"], ["apply", str(EXAMPLE)], ["export"]])
def test_a_database_that_is_away(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments, "--database", f"host={tmp_path} dbname=kamcti"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("kamcti: cannot reach the database: ")
    assert "No such file or directory" in line


@pytest.mark.parametrize("arguments", [["apply", str(EXAMPLE)], ["export"]])
def test_a_database_that_is_not_migrated(
    arguments: list[str], empty_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--database", empty_database]) == 1
    assert capsys.readouterr().err == "kamcti: the database has no kamcti schema, or an old one: run kamcti migrate\n"


def test_a_connection_string_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--database", "nonsense"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('kamcti: missing "=" after "nonsense"')


def test_a_role_without_the_right(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["apply", str(EXAMPLE), "--database", database.conninfo("kamcti_reader")]) == 1
    assert capsys.readouterr().err == "kamcti: the database refused: permission denied for table agent\n"


@pytest.mark.parametrize("arguments", [[], ["applies"], ["apply"], ["monitor"]])
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "usage: kamcti" in capsys.readouterr().err


def test_as_a_program(database: Database) -> None:
    environment = {**os.environ, "KAMCTI_DATABASE": database.conninfo()}
    program = [sys.executable, "-m", "kamcti"]
    applied = subprocess.run(
        [*program, "apply", "-"], input=SMALL, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (applied.returncode, applied.stderr) == (0, "")
    exported = subprocess.run(
        [*program, "export"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert exported.stdout == "switch:\n  name: s\nqueues:\n- dn: '7000'\n"
