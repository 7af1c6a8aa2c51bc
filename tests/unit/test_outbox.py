"""The controller's own SIP requests: what they look like, how often they are sent, how they end."""

import pytest

from kemi.calls.effects import SendRequest
from kemi.facts import Result
from kemi.outbox import PATIENCE, REPEATS, End, Outbox
from tests.kit.sip.message import Request, parse

BYE = SendRequest("c-1", "BYE", (("Reason", "Q.850;cause=16"),))


def outbox() -> tuple[Outbox, list[str]]:
    sent: list[str] = []
    return Outbox(sent.append, 5059, "secret"), sent


def test_a_complete_request_that_names_its_leg() -> None:
    box, sent = outbox()
    box.send(BYE, 0.0)
    request = parse(sent[0].encode())
    assert isinstance(request, Request)
    assert request.method == "BYE"
    assert request["To"].endswith(";tag=c-1")
    assert request["Via"].startswith("SIP/2.0/UDP 127.0.0.1:5059;branch=z9hG4bK")
    assert (request["X-Kamcti-Secret"], request["Reason"]) == ("secret", "Q.850;cause=16")
    assert (request["CSeq"], request["Max-Forwards"], request["Content-Length"]) == ("1 BYE", "70", "0")


def test_two_requests_are_two_transactions() -> None:
    box, sent = outbox()
    box.send(BYE, 0.0)
    box.send(SendRequest("c-2", "BYE"), 0.0)
    first, second = (parse(text.encode()) for text in sent)
    assert first["Via"] != second["Via"]
    assert first["Call-ID"] != second["Call-ID"]


@pytest.mark.parametrize(
    ("code", "end"), [(200, End.DONE), (202, End.DONE), (481, End.DONE), (408, End.FAILED), (503, End.FAILED)]
)
def test_its_end_is_told_once(code: int, end: End) -> None:
    box, _ = outbox()
    box.send(BYE, 0.0)
    assert box.ended(Result(leg="c-1", method="BYE", code=code)) is end
    assert box.ended(Result(leg="c-1", method="BYE", code=code)) is End.UNKNOWN
    assert not box


def test_it_is_repeated_until_its_end_is_told() -> None:
    box, sent = outbox()
    box.send(BYE, 10.0)
    assert [len(sent) for now in (10.4, 10.5, 10.6, 11.5) if box.look(now) == 0] == [1, 2, 2, 3]
    assert len(set(sent)) == 1, "the same request each time"
    box.ended(Result(leg="c-1", method="BYE", code=200))
    box.look(30.0)
    assert len(sent) == 3


def test_what_nothing_is_heard_of_is_given_up() -> None:
    box, sent = outbox()
    box.send(BYE, 0.0)
    lost = sum(box.look(second / 2) for second in range(int(2 * PATIENCE) + 1))
    assert (lost, len(sent), len(box)) == (1, 1 + REPEATS, 0)
