"""What clients see when PostgreSQL or the gateway goes away and comes back."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.test_gateway import C1, call_sql, configure, register, released, ringing
from tests.kit.fixtures_postgres import Database
from tests.kit.gateway import GatewayProcess, PlayedJournal, RawClient
from tests.kit.postgres import PrivatePostgres
from tests.kit.processes import wait_for
from tlib.client import Client, stay_connected
from tlib.errors import TError, TLibError
from tlib.events import (
    Event,
    EventLinkConnected,
    EventRegistered,
    EventReleased,
    EventRinging,
    EventServerConnected,
    EventServerDisconnected,
)
from tlib.message import message_name
from tlib.requests import RequestMakeCall, RequestRegisterAddress, RequestRegisterClient

LOGIN = RequestRegisterClient(reference_id=1, application_name="test", user_name="agent", password="secret")


@dataclass(frozen=True, slots=True)
class OwnSite:
    """A database server of the test's own, which it may stop."""

    cluster: PrivatePostgres
    gateway: GatewayProcess

    def journal(self) -> PlayedJournal:
        return PlayedJournal(self.cluster.conninfo("kamcti_switch"))


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[OwnSite]:
    # Durable: what was committed must be there after a crash.
    with PrivatePostgres(tmp_path / "own") as cluster:
        cluster.create_database()
        cluster.migrate()
        configure(Database(cluster, "kamcti"))
        yield OwnSite(cluster, GatewayProcess(tmp_path, cluster.conninfo("kamcti_gateway")))


def reconnected(client: RawClient) -> None:
    told = client.read()
    assert told["message"] == "EventLinkConnected", told


@pytest.mark.parametrize("crash", [False, True], ids=["stopped", "killed"])
def test_postgresql_goes_away_and_comes_back(own_site: OwnSite, crash: bool) -> None:
    with own_site.gateway as gateway, RawClient(gateway.port) as client:
        assert client.ask(LOGIN)["message"] == "EventLinkConnected"
        register(client)
        if crash:
            own_site.cluster.kill()
        else:
            own_site.cluster.stop()
        assert client.read()["message"] == "EventLinkDisconnected"
        for request in (RequestRegisterAddress(this_dn="7001"), RequestMakeCall(this_dn="7001", other_dn="1")):
            assert client.ask(request)["ErrorCode"] == 54
        with RawClient(gateway.port) as late:
            assert late.ask(LOGIN)["message"] == "EventLinkDisconnected", "the configuration is remembered"
            own_site.cluster.start()
            reconnected(client)
            reconnected(late)
            journal = own_site.journal()
            journal.write([ringing()], *call_sql(C1, "7001"))
            # What was registered before is gone; the new state says what happened meanwhile.
            extensions = register(client)["Extensions"]
            assert isinstance(extensions, dict)
            assert extensions["conn-1"] == C1
            register(late)
            journal.write([released()])
            for each in (client, late):
                assert each.read()["message"] == "EventReleased"
            journal.close()


def test_postgresql_is_away_at_the_start(own_site: OwnSite) -> None:
    own_site.cluster.stop()
    with own_site.gateway as gateway, RawClient(gateway.port) as right, RawClient(gateway.port) as wrong:
        assert right.ask(LOGIN)["message"] == "EventLinkDisconnected"
        mistyped = RequestRegisterClient(application_name="test", user_name="agent", password="mistyped")
        assert wrong.ask(mistyped)["message"] == "EventLinkDisconnected"
        assert right.ask(RequestRegisterAddress(this_dn="7001"))["ErrorCode"] == 54
        own_site.cluster.start()
        reconnected(right)
        register(right)
        assert [message["ErrorCode"] for message in wrong.read_to_end()] == [119]


def test_a_database_without_the_schema_is_as_good_as_none(own_site: OwnSite, tmp_path: Path) -> None:
    own_site.cluster.create_database("empty")
    gateway = GatewayProcess(tmp_path, own_site.cluster.conninfo("kamcti_gateway", "empty"))
    with gateway, RawClient(gateway.port) as client:
        assert client.ask(LOGIN)["message"] == "EventLinkDisconnected"
        own_site.cluster.migrate("empty")
        configure(Database(own_site.cluster, "empty"))
        wait_for(lambda: can_register(gateway.port), "the gateway has found the schema")


def can_register(port: int) -> bool:
    with RawClient(port) as client:
        if client.ask(LOGIN)["message"] != "EventLinkConnected":
            return False
        return client.ask(RequestRegisterAddress(this_dn="7001"))["message"] == "EventRegistered"


@pytest.fixture
def gateway(database: Database, tmp_path: Path) -> Iterator[GatewayProcess]:
    configure(database)
    with GatewayProcess(tmp_path, database.conninfo("kamcti_gateway")) as running:
        yield running


async def take(events: AsyncIterator[Event], count: int) -> list[Event]:
    async with asyncio.timeout(15):
        return [await anext(events) for _ in range(count)]


class TestClientLibrary:
    def test_login_registration_events(self, gateway: GatewayProcess, database: Database) -> None:
        async def run() -> None:
            journal = PlayedJournal(database.conninfo("kamcti_switch"))
            async with await Client.connect(gateway.host, gateway.port) as client:
                assert isinstance(await client.register_client("test", "agent", "secret"), EventLinkConnected)
                state = await client.register_address("7001")
                assert state.extensions is not None
                assert state.extensions["status"] == 0
                journal.write([ringing(), released()])
                first, second = await take(client, 2)
                assert isinstance(first, EventRinging)
                assert isinstance(second, EventReleased)
                assert (first.event_sequence_number, second.event_sequence_number) == (1, 2)
                await client.unregister_address("7001")
            journal.close()

        asyncio.run(run())

    def test_an_error_is_an_exception(self, gateway: GatewayProcess) -> None:
        async def run() -> None:
            async with await Client.connect(gateway.host, gateway.port) as client:
                await client.register_client("test", "agent", "secret")
                with pytest.raises(TLibError) as caught:
                    await client.register_address("9999")
                assert caught.value.code is TError.NOT_CONFIGURED

        asyncio.run(run())

    def test_the_death_of_the_gateway_ends_requests_and_events(self, gateway: GatewayProcess) -> None:
        async def run() -> None:
            async with await Client.connect(gateway.host, gateway.port) as client:
                await client.register_client("test", "agent", "secret")
                await client.register_address("7001")
                waiting = asyncio.create_task(client.request(RequestMakeCall(this_dn="7001", other_dn="1")))
                await asyncio.sleep(0)
                gateway.kill()
                with pytest.raises(TLibError) as caught:
                    await waiting
                assert caught.value.code is TError.NO_SWITCH
                assert [message_name(event) async for event in client] == ["EventServerDisconnected"]

        asyncio.run(run())

    def test_a_wrong_password_is_not_tried_again(self, gateway: GatewayProcess) -> None:
        async def run() -> None:
            events = stay_connected(
                gateway.host, gateway.port, application_name="t", user_name="agent", password="x", dns=["7001"]
            )
            with pytest.raises(TLibError) as caught:
                await anext(events)
            assert caught.value.code is TError.BAD_PASSWORD

        asyncio.run(run())

    def test_it_comes_back_after_the_gateway_was_killed(self, gateway: GatewayProcess, database: Database) -> None:
        async def run() -> None:
            journal = PlayedJournal(database.conninfo("kamcti_switch"))
            events = stay_connected(
                gateway.host, gateway.port,
                application_name="t", user_name="agent", password="secret", dns=["7001", "9999"],
                retry_delays=(0.05, 0.1),
            )  # fmt: skip
            assert [message_name(event) for event in await take(events, 4)] == [
                "EventServerConnected", "EventLinkConnected", "EventRegistered", "EventError",
            ]  # fmt: skip
            gateway.kill()
            (lost,) = await take(events, 1)
            assert isinstance(lost, EventServerDisconnected)
            journal.write([ringing()], *call_sql(C1, "7001"))
            await asyncio.to_thread(gateway.start)
            back = [event for event in await take(events, 4) if not isinstance(event, EventServerDisconnected)]
            assert isinstance(back[0], EventServerConnected)
            state = next(event for event in back if isinstance(event, EventRegistered))
            assert state.extensions is not None
            assert state.extensions["conn-1"] == C1, "what was missed is in the state"
            journal.write([released()])
            after = await take(events, 1)
            while not isinstance(after[-1], EventReleased):
                after += await take(events, 1)
            assert after[-1].event_sequence_number == 2
            journal.close()

        asyncio.run(run())
