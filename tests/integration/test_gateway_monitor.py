"""``kamcti monitor`` against a real gateway."""

import json
import sys
from pathlib import Path

import pytest

from kamcti.cli import main
from tests.integration.test_gateway import C1, configure, released, ringing
from tests.kit.fixtures_postgres import Database
from tests.kit.gateway import GatewayProcess, PlayedJournal, check_against_schema
from tests.kit.processes import Process, wait_for


def start_monitor(gateway: GatewayProcess, directory: Path, *options: str) -> Process:
    command = [
        sys.executable, "-m", "kamcti", "monitor", *options,
        "--gateway", f"{gateway.host}:{gateway.port}", "--user", "agent",
    ]  # fmt: skip
    return Process("kamcti monitor", command, directory / "monitor.out", env={"KAMCTI_PASSWORD": "secret"})


def test_it_shows_events_and_comes_back_after_a_restart_of_the_gateway(database: Database, tmp_path: Path) -> None:
    configure(database)
    journal = PlayedJournal(database.conninfo("kamcti_switch"))
    with (
        GatewayProcess(tmp_path, database.conninfo("kamcti_gateway")) as gateway,
        start_monitor(gateway, tmp_path, "7001", "9999") as monitor,
    ):
        monitor.wait_for_output("EventRegistered")
        monitor.wait_for_output("error 59")
        journal.write([ringing()])
        monitor.wait_for_output("EventRinging")
        line = next(line for line in monitor.output().splitlines() if "EventRinging" in line)
        for part in ("7001", C1, "Inbound", "Ok", "+49891234 (Origination)"):
            assert part in line
        gateway.kill()
        monitor.wait_for_output("EventServerDisconnected")
        gateway.start()
        wait_for(lambda: monitor.output().count("EventRegistered") == 2, "the monitor registered again")
        journal.write([released()])
        monitor.wait_for_output("EventReleased")
    journal.close()


def test_json_is_what_is_on_the_wire(database: Database, tmp_path: Path) -> None:
    configure(database)
    journal = PlayedJournal(database.conninfo("kamcti_switch"))
    with (
        GatewayProcess(tmp_path, database.conninfo("kamcti_gateway")) as gateway,
        start_monitor(gateway, tmp_path, "7001", "--json") as monitor,
    ):
        monitor.wait_for_output("EventRegistered")
        journal.write([ringing()])
        monitor.wait_for_output("EventRinging")
        wait_for(lambda: monitor.output().endswith("\n"), "the line is complete")
        messages = [json.loads(line) for line in monitor.output().splitlines()]
    for message in messages:
        check_against_schema(message)
    assert messages[-1]["EventSequenceNumber"] == 1
    journal.close()


def test_a_refused_login_ends_it(database: Database, tmp_path: Path) -> None:
    configure(database)
    with GatewayProcess(tmp_path, database.conninfo("kamcti_gateway")) as gateway:
        monitor = start_monitor(gateway, tmp_path, "7001", "--password", "wrong")
        wait_for(lambda: not monitor.running, "the monitor ended")
        assert monitor.stop() == 1


@pytest.mark.parametrize("address", ["nowhere", "host:", "host:0", "host:99999"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["monitor", "7001", "--gateway", address])
    assert caught.value.code == 2
