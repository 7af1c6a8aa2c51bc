"""SIPp scenarios against each other and against the endpoint of the kit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.processes import free_port
from tests.kit.sip import Address, Audio, Endpoint, Transport, Way
from tests.kit.sipp import UAC, UAS, ResponseTimes, SippError, SippRun

NUMBERS = [("1001", "8000"), ("1002", "8001")]


@pytest.mark.parametrize("transport", list(Transport), ids=lambda transport: transport.value)
def test_calls_are_made_answered_and_released(tmp_path: Path, transport: Transport) -> None:
    with SippRun(UAS, directory=tmp_path, transport=transport, pause_ms=20) as phones:
        caller = SippRun(
            UAC, directory=tmp_path, remote=phones.local, transport=transport, numbers=NUMBERS, calls=20, rate=40,
            pause_ms=50,
        )  # fmt: skip
        result = caller.run()
        answered = phones.finish()
    assert (result.created, result.successful, result.failed, result.failures) == (20, 20, 0, {}), result.errors
    assert (answered.successful, answered.failed) == (20, 0)
    assert len(result.response_times["answer"].samples) == 20
    assert result.response_times["answer"].percentile(50) >= 20
    assert len(result.response_times["release"].samples) == 20


def test_ringing_after_the_answer_is_no_failure(tmp_path: Path) -> None:
    with Endpoint("phone") as phone:
        caller = SippRun(UAC, directory=tmp_path, remote=phone.local, numbers=NUMBERS, calls=1, pause_ms=200)
        with caller:
            invite = phone.expect_request("INVITE")
            invite.reply(200, sdp=Audio())
            invite.reply(180)
            invite.expect_ack()
            invite.dialog.expect_request("BYE").reply(200)
            result = caller.wait()
    assert (result.successful, result.failed) == (1, 0), result.errors
    assert "1001" in invite.request["From"]
    assert invite.request.uri.startswith("sip:8000@")


def test_record_route_is_followed_by_the_caller_and_returned_by_the_phone(tmp_path: Path) -> None:
    with Endpoint("phone") as phone:
        route = f"<sip:{phone.local};lr>"
        with SippRun(UAC, directory=tmp_path, remote=phone.local, numbers=NUMBERS, calls=1) as caller:
            invite = phone.expect_request("INVITE")
            invite.reply(200, sdp=Audio(), headers=[("Record-Route", route)])
            assert invite.expect_ack()["Route"] == route
            bye = invite.dialog.expect_request("BYE")
            bye.reply(200)
            assert bye.request["Route"] == route
            assert caller.wait().failed == 0
    with Endpoint("caller") as ada, SippRun(UAS, directory=tmp_path) as phones:
        call = ada.invite(f"sip:8000@{phones.local}", Audio(), headers=[("Record-Route", "<sip:127.0.0.1:9;lr>")])
        assert call.expect(200)["Record-Route"] == "<sip:127.0.0.1:9;lr>"
        call.dialog.route_set = []
        call.ack()
        call.hang_up()


def test_failed_calls_are_counted_by_reason(tmp_path: Path) -> None:
    with Endpoint("phone") as phone:
        phone.automatic["INVITE"] = lambda invite: _refuse(invite.reply(486))
        result = SippRun(UAC, directory=tmp_path, remote=phone.local, numbers=NUMBERS, calls=3, rate=20).run()
        acks = [entry for entry in phone.messages(Way.RECEIVED) if entry.message and "ACK" in entry.message["CSeq"]]
    assert (result.created, result.successful, result.failed) == (3, 0, 3)
    assert result.failures == {"UnexpectedMessage": 3}
    assert len(acks) == 3


def _refuse(_: object) -> None:
    return None


def test_run_that_does_not_end_is_stopped_and_told(tmp_path: Path) -> None:
    with Endpoint("phone") as phone:
        phone.deaf = True
        with (
            pytest.raises(SippError, match="did not end within"),
            SippRun(UAC, directory=tmp_path, remote=phone.local, numbers=NUMBERS, calls=1) as caller,
        ):
            caller.wait(0.3)


def test_scenario_that_cannot_run_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.xml"
    broken.write_text("<scenario>")
    with pytest.raises(SippError, match="did not start"):
        SippRun(broken, directory=tmp_path).start()


def test_caller_without_a_bound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="bound"):
        SippRun(UAC, directory=tmp_path, remote=Address("127.0.0.1", free_port()))


def test_percentiles_are_nearest_ranks() -> None:
    times = ResponseTimes(tuple(float(value) for value in range(1, 101)))
    assert [times.percentile(percent) for percent in (0, 50, 99, 100)] == [1.0, 50.0, 99.0, 100.0]
    with pytest.raises(ValueError, match="no response time"):
        ResponseTimes(()).percentile(50)
