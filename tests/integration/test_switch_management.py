"""What an administrator sees with kamcmd while a call is up."""

from tests.kit.cucm import Party
from tests.kit.fixtures_switch import NODE_1, Switch, hang_up
from tests.kit.processes import wait_for
from tests.kit.sip import Audio


def test_calls_legs_trunks_and_counters(switch: Switch) -> None:
    kamailio = switch.kamailio
    calls_before, legs_before = kamailio.table("call"), kamailio.table("leg")
    routed = kamailio.counter("calls_routed")
    with switch.gateway() as gateway, switch.node() as node:
        call = gateway.invite(f"sip:8000@{switch.address}", Audio(), caller="<sip:+15550100@127.0.0.2>")
        incoming = node.expect_call()
        node.answer(incoming, Party("2001"))
        call.expect(200)
        call.ack()
        incoming.expect_ack()

        ((connid, row),) = kamailio.table("call").items() - calls_before.items()
        cseq = str(call.request.cseq.number)
        assert row.split("|") == ["+15550100", "8000", "2001", f"{connid}-1", f"{connid}-2", cseq]
        legs = {leg: row for leg, row in kamailio.table("leg").items() if leg not in legs_before}
        assert set(legs) == {f"{connid}-1", f"{connid}-2"}
        assert legs[f"{connid}-1"].startswith(call.dialog.call_id)
        assert legs[f"{connid}-2"].startswith(incoming.dialog.call_id)
        assert kamailio.counter("calls_routed") == routed + 1
        assert f"sip:{NODE_1}:{switch.ports[NODE_1]}" in kamailio.command("dispatcher.list").stdout
        wait_for(lambda: int(kamailio.table("metrics").get("controller.calls", "0")) > 0, "the call is counted")
        hang_up(call, incoming)


def test_kamailio_accepts_its_configuration(switch: Switch) -> None:
    checked = switch.kamailio.check()
    assert checked.returncode == 0, checked.stderr
