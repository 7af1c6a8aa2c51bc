"""The private cluster that everything else stands on: it starts, survives a crash, and leaves nothing behind."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.kit.postgres import PrivatePostgres, ServerFailed

OWN_PROCESS = """
import sys
from pathlib import Path
from tests.kit.postgres import PrivatePostgres
cluster = PrivatePostgres(Path(sys.argv[1]), fast=True)
cluster.start()
print(cluster.pid, cluster.socket_directory, cluster.data, flush=True)
sys.stdin.read()
"""


def ended(pid: int, timeout: float = 30.0) -> bool:
    """Wait for the end of a process that need not be a child of ours."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], timeout)[0])
    finally:
        os.close(handle)


def test_what_was_committed_survives_a_crash_and_a_restart(tmp_path: Path) -> None:
    with PrivatePostgres(tmp_path / "cluster") as cluster:
        cluster.create_database()
        assert cluster.has_database()
        assert not cluster.has_database("other")
        cluster.migrate()
        conninfo = cluster.conninfo()
        with psycopg.connect(conninfo) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
            connection.execute("INSERT INTO kamcti.agent (login_id) VALUES ('5001')")
        first = cluster.pid
        cluster.kill()
        assert cluster.pid is None
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(conninfo)
        cluster.start()
        assert cluster.pid not in (None, first)
        cluster.restart()
        with psycopg.connect(conninfo) as connection:
            assert connection.execute("SELECT login_id FROM kamcti.agent").fetchall() == [("5001",)]
        last, sockets = cluster.pid, cluster.socket_directory
    assert last is not None
    assert ended(last)
    assert not sockets.exists()


def test_the_socket_s_path_is_short_however_long_the_directory_is(tmp_path: Path) -> None:
    directory = tmp_path / ("d" * 120)
    with PrivatePostgres(directory, fast=True) as cluster:
        assert len(os.fsencode(cluster.socket_directory / ".s.PGSQL.5432")) <= 107
        psycopg.connect(cluster.conninfo(dbname="postgres")).close()


@pytest.mark.parametrize("how", [signal.SIGKILL, None])
def test_the_server_ends_with_the_process_that_started_it(tmp_path: Path, how: signal.Signals | None) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWN_PROCESS, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        pid, sockets, data = process.stdout.readline().split()
        if how is not None:
            process.send_signal(how)
        process.stdin.close()
        process.wait(timeout=30)
        assert ended(int(pid))
    if how is None:
        assert not Path(sockets).exists()
        assert Path(data).is_relative_to(tmp_path) == Path(data).exists()
    else:
        _remove(Path(sockets), Path(data))


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match="shared_buffers"):
        PrivatePostgres(tmp_path, settings={"shared_buffers": "nonsense"}).start()


def _remove(*directories: Path) -> None:
    subprocess.run(["rm", "-rf", *map(str, directories)], check=True)
