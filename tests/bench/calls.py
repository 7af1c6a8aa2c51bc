"""``make bench``: calls through kamcti and through a plain Kamailio, under the same load, in one run.

200 calls a second for 30 s, each held for 1 s, with one T-Library client registered on every DN and every event
journaled. Measured: processor time a call, by process; failed calls; lost or misordered events; the time from the
180 on the wire to EventRinging at the client.
"""

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

import psycopg

from tests.bench import processor_time
from tests.bench.disk import durable_writes
from tests.bench.report import Latency, Measured, Report, write
from tests.bench.ringing_capture import RingingCapture
from tests.kit.gateway import GatewayProcess
from tests.kit.kamailio import Kamailio
from tests.kit.postgres import PrivatePostgres
from tests.kit.processes import Process, free_port, wait_for
from tests.kit.sip import Address
from tests.kit.sipp import SippResult, SippRun
from tlib.passwords import hash_password

HERE = Path(__file__).parent
HOME = HERE.parents[1]
HOLD_MS = 1000
WARM_UP_SECONDS = 3
WORKERS = 2
FIRST_DN, DNS = 2000, 100
CALLED = "127.0.0.3"
CALLER = "127.0.0.2"
PASSWORD = "benchmark"


@dataclasses.dataclass(frozen=True, slots=True)
class Load:
    """What is offered to each of the systems."""

    rate: int
    seconds: int

    @property
    def calls(self) -> int:
        return self.rate * self.seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=200, help="calls a second (default %(default)s)")
    parser.add_argument("--seconds", type=int, default=30, help="how long (default %(default)s)")
    parser.add_argument("--write", type=Path, help="file that gets the report")
    options = parser.parse_args()
    load = Load(options.rate, options.seconds)
    with tempfile.TemporaryDirectory(prefix="kamcti-bench-", dir="/tmp") as directory:
        base = Path(directory)
        plain = _plain(base / "plain", load, ())
        same = _plain(base / "same", load, ("-m", "128", "-M", "16", "-x", "fm", "-X", "fm"))
        kamcti, latency, failures = _kamcti(base / "kamcti", load)
        disk = durable_writes(base)
    report = Report(load.rate, load.seconds, HOLD_MS, plain, same, kamcti, latency, disk, tuple(failures))
    text = write(report)
    print(text)
    if options.write:
        options.write.write_text(text)
    return 1 if failures else 0


def _plain(directory: Path, load: Load, arguments: Iterable[str]) -> Measured:
    """A plain Kamailio; ``arguments`` choose its memory manager."""
    directory.mkdir()
    port, called = free_port(), free_port("127.0.0.1")
    values = {"PORT": port, "CALLED_PORT": called, "WORKERS": WORKERS, "RUN": directory}
    defines = [f'#!substdef "!BENCH_{name}!{value}!g"' for name, value in values.items()]
    config = directory / "plain.cfg"
    config.write_text("#!KAMAILIO\n" + "\n".join(defines) + f'\ninclude_file "{HERE}/plain.cfg"\n')
    command = ["kamailio", "-f", str(config), "-DD", "-E", "-Y", str(directory), "-P", str(directory / "pid")]
    command += arguments
    with Process("kamailio", command, directory / "kamailio.log") as kamailio:
        wait_for((directory / "plain.ctl").exists, "the plain Kamailio runs")
        with SippRun(HERE / "sipp" / "uas.xml", directory=directory, address="127.0.0.1", port=called).start():
            offer = _caller(directory, Address("127.0.0.1", port), "127.0.0.1")
            return _measure(load, offer, {"Kamailio": processor_time.tree(kamailio.pid)})


def _kamcti(directory: Path, load: Load) -> tuple[Measured, Latency, list[str]]:
    directory.mkdir()
    with ExitStack() as stack:
        called = stack.enter_context(
            SippRun(HERE / "sipp" / "uas.xml", directory=directory, address=CALLED).start()
        ).local
        postgres = stack.enter_context(PrivatePostgres(directory / "postgres"))
        postgres.create_database()
        postgres.migrate()
        with psycopg.connect(postgres.conninfo()) as connection:
            _configure(connection, called)
        kamailio = stack.enter_context(
            Kamailio(directory / "switch", postgres.conninfo("kamcti_switch"), workers=WORKERS, options_interval=3600)
        )
        kamailio.wait_for_site()
        gateway = stack.enter_context(GatewayProcess(directory, postgres.conninfo("kamcti_gateway")))
        seen = directory / "events.txt"
        dns = [str(FIRST_DN + number) for number in range(DNS)]
        client = stack.enter_context(
            Process(
                "client",
                [
                    *(sys.executable, "-m", "tests.bench.event_client", f"{gateway.host}:{gateway.port}"),
                    *("bench", PASSWORD, str(seen), *dns),
                ],
                directory / "client.log",
            )
        )
        client.wait_for_output("registered")
        capture = RingingCapture(called.port, directory)
        capture.start()
        offer = _caller(directory, Address(kamailio.address, kamailio.port), CALLER)
        roots = {f"Kamailio, {name}": pids for name, pids in kamailio.processes().items()}
        roots |= {"gateway": [gateway.pid], "PostgreSQL": processor_time.tree(postgres.pid or 0)}
        measured = _measure(load, offer, roots)
        rang = capture.stop()
        with psycopg.connect(postgres.conninfo(), autocommit=True) as connection:
            wait_for(lambda: _value(connection, "SELECT count(*) = 0 FROM kamcti.call"), "every call has ended", 20)
            last = int(str(_value(connection, "SELECT max(seq) FROM kamcti.event")))
            logged = int(str(_value(connection, "SELECT count(*) FROM kamcti.event")))
        wait_for(lambda: f" {last} " in seen.read_text()[-400:], "the client has seen the last event", 20)
        client.stop()
        lines = [line.split(" ") for line in seen.read_text().splitlines()]
    failures = _wrong(lines, logged, last, load.calls + _warm_up_calls(load))
    failures += [f"{measured.failed} calls failed: {measured.failures}"] if measured.failed else []
    return measured, _latency(lines, rang), failures


def _wrong(lines: list[list[str]], logged: int, last: int, calls: int) -> list[str]:
    """What is not as it must be: every event once, in order, and for each call what an answered call has."""
    wrong = []
    if logged != last:
        wrong.append(f"the log has {logged} events and ends with number {last}")
    numbers = [int(line[1]) for line in lines]
    if numbers != list(range(1, last + 1)):
        wrong.append(f"the client got {len(numbers)} events of {last}, or not in their order")
    for name in ("EventRinging", "EventEstablished", "EventReleased"):
        count = sum(line[2] == name for line in lines)
        if count != calls:
            wrong.append(f"{count} {name} for {calls} calls")
    return wrong


def _latency(lines: list[list[str]], rang: dict[str, float]) -> Latency:
    """From the 180 on the wire to EventRinging at the client. The called leg's Call-ID begins with the CallUUID."""
    by_uuid = {call_id.partition("-")[0]: when for call_id, when in rang.items()}
    delays = sorted(
        1000 * (float(line[0]) - by_uuid[line[4]]) for line in lines if line[2] == "EventRinging" and line[4] in by_uuid
    )
    return Latency(tuple(delays))


def _configure(connection: psycopg.Connection[tuple[object, ...]], called: Address) -> None:
    for name, host, port in (("Callers", CALLER, 5060), ("Phones", CALLED, called.port)):
        connection.execute("INSERT INTO kamcti.dn (number, type) VALUES (%s, 'Trunk')", (name,))
        connection.execute("INSERT INTO kamcti.trunk (dn) VALUES (%s)", (name,))
        connection.execute(
            "INSERT INTO kamcti.trunk_destination (trunk, position, host, port) VALUES (%s, 1, %s, %s)",
            (name, host, port),
        )
    connection.execute(
        "INSERT INTO kamcti.dn (number, type, trunk)"
        " SELECT number::text, 'Extension', 'Phones' FROM generate_series(%s::int, %s::int) AS number",
        (FIRST_DN, FIRST_DN + DNS - 1),
    )
    connection.execute(
        "INSERT INTO kamcti.gateway_user (name, password_hash) VALUES ('bench', %s)", (hash_password(PASSWORD),)
    )


def _caller(directory: Path, remote: Address, address: str) -> Callable[[int, int], SippResult]:
    numbers = [("+15550100", str(FIRST_DN + number)) for number in range(DNS)]

    def offer(rate: int, calls: int) -> SippResult:
        return SippRun(
            HERE / "sipp" / "uac.xml",
            directory=directory,
            remote=remote,
            address=address,
            rate=rate,
            calls=calls,
            pause_ms=HOLD_MS,
            numbers=numbers,
        ).run(timeout=calls / rate + 40)

    return offer


def _warm_up_calls(load: Load) -> int:
    return load.rate * WARM_UP_SECONDS


def _measure(load: Load, offer: Callable[[int, int], SippResult], pids: dict[str, list[int]]) -> Measured:
    """Offers the load after a short warm-up; processor time is counted over the load and the second after it."""
    offer(load.rate, _warm_up_calls(load))
    before = {name: processor_time.seconds(part) for name, part in pids.items()}
    result = offer(load.rate, load.calls)
    milliseconds = {
        name: 1000 * (processor_time.seconds(part) - before[name]) / load.calls for name, part in pids.items()
    }
    return Measured(milliseconds, result.successful, result.failed + result.unfinished, dict(result.failures))


def _value(connection: psycopg.Connection[tuple[object, ...]], query: str) -> object:
    row = connection.execute(query).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return row[0]


if __name__ == "__main__":
    raise SystemExit(main())
