"""What the switch refuses, what it survives, and where it sends a call when a destination is dead."""

import psycopg
import pytest

from tests.kit.cucm import CucmNode, PingAnswer
from tests.kit.cucm.failures import Situation
from tests.kit.fixtures_switch import NODE_1, NODE_2, STRANGER, Switch, hang_up
from tests.kit.processes import wait_for
from tests.kit.sip import Audio, Behaviour, Endpoint, Transport


class TestRefusals:
    @pytest.mark.parametrize("number", ["9999", "Node1", "", "%00", "2001|x"])
    def test_number_that_is_not_configured(self, switch: Switch, number: str) -> None:
        with switch.gateway() as gateway:
            call = gateway.invite(f"sip:{number}@{switch.address}" if number else f"sip:{switch.address}", Audio())
            assert call.expect_final().status in (400, 404)

    def test_separator_of_our_rows_in_an_identifier(self, switch: Switch) -> None:
        with switch.gateway() as gateway:
            for header, value in (("Call-ID", "a|b@c"), ("From", "<sip:x@y>;tag=a|b"), ("Contact", "<sip:a|b@c>")):
                call = gateway.invite(
                    f"sip:8000@{switch.address}", Audio(), edit=lambda r, h=header, v=value: r.set(h, v)
                )
                assert call.expect_final().status == 400

    def test_source_that_is_no_trunk(self, switch: Switch) -> None:
        before = switch.kamailio.counter("source_refused")
        with Endpoint("stranger", address=STRANGER, peer=switch.address) as stranger:
            stranger.invite(f"sip:8000@{switch.address}", Audio()).expect(403)
            stranger.request("OPTIONS", f"sip:{switch.address}").expect(403)
        assert switch.kamailio.counter("source_refused") == before + 2

    def test_flood_from_a_stranger_is_dropped(self, switch: Switch) -> None:
        with Endpoint(
            "flood", address="127.0.0.66", peer=switch.address, behaviour=Behaviour(retransmit=False)
        ) as stranger:
            for _ in range(300):
                stranger.request("OPTIONS", f"sip:{switch.address}")
            wait_for(lambda: switch.kamailio.counter("flood_dropped") > 0, "a part of the flood is dropped")

    def test_options_with_max_forwards_0_is_answered(self, switch: Switch) -> None:
        with switch.node() as node:
            answer = node.ping().expect(200)
            assert "INVITE" in answer["Allow"]

    def test_max_forwards_0_of_an_invite_is_483(self, switch: Switch) -> None:
        with switch.gateway() as gateway:
            gateway.invite(
                f"sip:8000@{switch.address}", Audio(), replace_headers={"Max-Forwards": "0"}
            ).expect(483)

    @pytest.mark.parametrize("method", ["BYE", "INVITE", "INFO", "UPDATE"])
    def test_dialog_that_we_do_not_know_is_481(self, switch: Switch, method: str) -> None:
        before = switch.kamailio.counter("dialog_unknown")
        with switch.gateway() as gateway:
            gateway.request(
                method, f"sip:nobody@{switch.address}", called=f"<sip:8000@{switch.address}>;tag=0123456789abcdef-1"
            ).expect(481)
        assert switch.kamailio.counter("dialog_unknown") == before + 1

    def test_leg_of_another_dialog_is_481(self, switch: Switch) -> None:
        """Our tag alone opens nothing: Call-ID and the peer's tag must fit too."""
        with switch.gateway() as gateway, switch.node() as node:
            call = gateway.invite(f"sip:8000@{switch.address}", Audio())
            incoming = node.expect_call()
            incoming.reply(200, sdp=Audio(port=24510))
            call.expect(200)
            call.ack()
            incoming.expect_ack()
            gateway.request(
                "BYE", f"sip:x@{switch.address}", called=f"<sip:8000@{switch.address}>;tag={call.dialog.remote_tag}"
            ).expect(481)
            hang_up(call, incoming)

    def test_method_outside_a_dialog(self, switch: Switch) -> None:
        with switch.gateway() as gateway:
            answer = gateway.request("REGISTER", f"sip:{switch.address}").expect(405)
            assert "INVITE" in answer["Allow"]

    def test_cancel_of_nothing_is_481(self, switch: Switch) -> None:
        with switch.gateway() as gateway:
            gateway.request("CANCEL", f"sip:8000@{switch.address}").expect(481)


class TestDestinations:
    def test_round_robin(self, own_switch: Switch) -> None:
        with own_switch.gateway() as gateway, own_switch.node(NODE_1) as one, own_switch.node(NODE_2) as two:
            for _ in range(6):
                _busy_call(own_switch, gateway, "3001", one, two)
            assert [_calls(one), _calls(two)] == [3, 3]

    def test_next_destination_when_the_first_is_silent(self, own_switch: Switch) -> None:
        """The customer hears nothing of it; a provisional answer of ours keeps the caller patient."""
        with own_switch.gateway() as gateway, own_switch.node(NODE_2) as backup:
            call = gateway.invite(f"sip:3101@{own_switch.address}", Audio())
            incoming = backup.expect_call(timeout=15)
            backup.fail(incoming, Situation.BUSY)
            call.expect(486)
            assert own_switch.kamailio.counter("trunk_failover") == 1

    def test_next_destination_after_503(self, own_switch: Switch) -> None:
        with own_switch.gateway() as gateway, own_switch.node(NODE_1) as one, own_switch.node(NODE_2) as two:
            call = gateway.invite(f"sip:3101@{own_switch.address}", Audio())
            one.expect_call().reply(503)
            two.fail(two.expect_call(), Situation.BUSY)
            call.expect(486)

    def test_busy_is_an_answer_and_not_a_failure(self, own_switch: Switch) -> None:
        with own_switch.gateway() as gateway, own_switch.node(NODE_1) as one, own_switch.node(NODE_2) as two:
            call = gateway.invite(f"sip:3101@{own_switch.address}", Audio())
            one.fail(one.expect_call(), Situation.BUSY)
            call.expect(486)
            two.expect_silence(0.3)

    def test_503_when_no_destination_is_left(self, own_switch: Switch) -> None:
        """CUCM answers 503 for a phone that is not registered: that is no reason to take the node out of service."""
        with own_switch.gateway() as gateway, own_switch.node(NODE_1) as one:
            for _ in range(2):
                call = gateway.invite(f"sip:2001@{own_switch.address}", Audio())
                one.fail(one.expect_call(), Situation.UNREGISTERED_503)
                assert "Retry-After" in call.expect(503)

    def test_early_dialog_of_the_destination_before_is_forgotten(self, own_switch: Switch) -> None:
        with own_switch.gateway() as gateway, own_switch.node(NODE_1) as one, own_switch.node(NODE_2) as two:
            call = gateway.invite(f"sip:3101@{own_switch.address}", Audio())
            first = one.expect_call()
            first.reply(183, sdp=Audio(port=24510))
            call.expect(183)
            first.reply(503)
            second = two.expect_call()
            second.reply(180)
            call.expect(180)
            update = call.dialog.request("UPDATE")
            second.dialog.expect_request("UPDATE").reply(200)
            update.expect(200)
            second.reply(486)
            call.expect(486)

    def test_refused_tcp_connection(self, own_switch: Switch) -> None:
        with own_switch.gateway() as gateway:
            gateway.invite(f"sip:2101@{own_switch.address}", Audio()).expect(503)

    @pytest.mark.parametrize("answer", [PingAnswer.UNAVAILABLE, PingAnswer.TIMEOUT, PingAnswer.SILENCE])
    def test_ping_takes_a_destination_out_and_back(self, own_switch: Switch, answer: PingAnswer) -> None:
        kamailio = own_switch.kamailio
        with own_switch.node(NODE_1) as node, own_switch.gateway() as gateway:
            wait_for(lambda: _state_in_sql(own_switch) == "up", "the node is in service in SQL")
            node.ping_answer = answer
            wait_for(lambda: _flags(own_switch, NODE_1) == {"IP"}, "the node is out of service", 15)
            wait_for(lambda: _state_in_sql(own_switch) == "down", "the node is out of service in SQL")
            gateway.invite(f"sip:2001@{own_switch.address}", Audio()).expect(503)
            node.ping_answer = PingAnswer.NOT_FOUND
            wait_for(lambda: _flags(own_switch, NODE_1) == {"AP"}, "the node is in service again", 15)
            wait_for(lambda: _state_in_sql(own_switch) == "up", "the node is in service in SQL again")
            call = gateway.invite(f"sip:2001@{own_switch.address}", Audio())
            node.fail(node.expect_call(), Situation.BUSY)
            call.expect(486)
            assert kamailio.counter("trunk_failover") == 0


class TestConfiguration:
    def test_change_in_sql_is_in_force_within_a_second(self, own_switch: Switch) -> None:
        with own_switch.gateway() as gateway, own_switch.node() as node:
            gateway.invite(f"sip:8001@{own_switch.address}", Audio()).expect(404)
            own_switch.execute("INSERT INTO kamcti.route (number, dn) VALUES ('8001', '2002')")
            wait_for(lambda: "8001" in own_switch.kamailio.table("route"), "the new route is known", 1.0)
            call = gateway.invite(f"sip:8001@{own_switch.address}", Audio())
            node.fail(node.expect_call("2002"), Situation.BUSY)
            call.expect(486)
            own_switch.execute("DELETE FROM kamcti.route WHERE number = '8001'")
            wait_for(lambda: "8001" not in own_switch.kamailio.table("route"), "the route is gone", 1.0)
            gateway.invite(f"sip:8001@{own_switch.address}", Audio()).expect(404)

    def test_new_trunk_may_call_and_be_called(self, own_switch: Switch) -> None:
        with Endpoint("branch", address="127.0.0.8", peer=own_switch.address) as branch:
            branch.invite(f"sip:2001@{own_switch.address}", Audio()).expect(403)
            with own_switch.database.connect() as connection, connection.transaction():
                _add_trunk(connection, "Branch", branch.local.host, branch.local.port)
            wait_for(lambda: branch.local.host in own_switch.kamailio.table("source"), "the trunk is known", 1.0)
            call = branch.invite(f"sip:4001@{own_switch.address}", Audio())
            branch.expect_request("INVITE").reply(486)
            call.expect(486)

    def test_postgresql_away_at_start(self, own_switch: Switch) -> None:
        """Kamailio starts, says what it waits for, and takes calls once the configuration is there."""
        kamailio, cluster = own_switch.kamailio, own_switch.database.cluster
        kamailio.stop()
        cluster.stop()
        try:
            kamailio.start()
            with own_switch.gateway() as gateway:
                answer = gateway.invite(f"sip:8000@{own_switch.address}", Audio()).expect(503)
                assert "Retry-After" in answer
        finally:
            cluster.start()
        kamailio.wait_for_site()
        with own_switch.gateway() as gateway, own_switch.node() as node:
            call = gateway.invite(f"sip:8000@{own_switch.address}", Audio())
            node.fail(node.expect_call("2001"), Situation.BUSY)
            call.expect(486)

    def test_broken_reload_keeps_the_old_code(self, own_switch: Switch) -> None:
        kamailio = own_switch.kamailio
        for _ in range(3):
            assert kamailio.command("app_python.reload").returncode == 0
            with own_switch.gateway(Transport.UDP) as gateway:
                gateway.invite(f"sip:9999@{own_switch.address}", Audio()).expect(404)


def _state_in_sql(switch: Switch) -> str:
    """Live state of the only destination of trunk Node1."""
    with switch.database.connect() as connection:
        row = connection.execute("SELECT state::text FROM kamcti.trunk_state WHERE trunk = 'Node1'").fetchone()
    return "" if row is None else str(row[0])


def _calls(node: CucmNode) -> int:
    """How many INVITEs the node was sent."""
    return sum(entry.message is not None and entry.message.start_line.startswith("INVITE") for entry in node.messages())


def _flags(switch: Switch, address: str) -> set[str]:
    """The dispatcher states of the destinations at ``address`` over UDP."""
    states: set[str] = set()
    uri = ""
    for line in switch.kamailio.command("dispatcher.list").stdout.splitlines():
        word, _, value = line.strip().partition(": ")
        if word == "URI":
            uri = value
        elif word == "FLAGS" and f":{address}:" in uri and "udp" in uri:
            states.add(value)
    return states


def _busy_call(switch: Switch, gateway: Endpoint, number: str, *nodes: CucmNode) -> None:
    before = [len(node.inbox.peek()) for node in nodes]
    call = gateway.invite(f"sip:{number}@{switch.address}", Audio())
    wait_for(lambda: [len(node.inbox.peek()) for node in nodes] != before, "one of the nodes is called")
    for node, waiting in zip(nodes, before, strict=True):
        if len(node.inbox.peek()) != waiting:
            node.fail(node.expect_call(), Situation.BUSY)
    call.expect(486)


def _add_trunk(connection: psycopg.Connection[tuple[object, ...]], name: str, host: str, port: int) -> None:
    connection.execute("INSERT INTO kamcti.dn (number, type) VALUES (%s, 'Trunk')", (name,))
    connection.execute("INSERT INTO kamcti.trunk (dn) VALUES (%s)", (name,))
    connection.execute(
        "INSERT INTO kamcti.trunk_destination (trunk, position, host, port) VALUES (%s, 1, %s, %s)", (name, host, port)
    )
    connection.execute("INSERT INTO kamcti.dn (number, type, trunk) VALUES ('4001', 'Extension', %s)", (name,))
