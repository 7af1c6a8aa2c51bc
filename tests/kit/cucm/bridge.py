"""A call through the stand-in: one leg to a real phone, one to the trunk (or to another phone), as CUCM bridges them.

Signalling only: each side's description is passed on with the o= line of the leg that it goes out on, so media flow
between the phones directly. A phone that holds is shown to the trunk in CUCM's two steps.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from tests.kit.cucm.node import CucmNode, answer_to_offer
from tests.kit.cucm.parties import Party
from tests.kit.sip import (
    Audio,
    Box,
    Dialog,
    Direction,
    IncomingRequest,
    OutgoingInvite,
    OutgoingRequest,
    Response,
    Sdp,
)

_RING_LIMIT = 180.0
_ANSWER_LIMIT = 33.0


class Bridge:
    """One bridged call, run by `serve` in a thread of its own.

    `place` sends the INVITE of the second leg with a body. `trunk` is the node whose trunk carries one of the legs
    (None between two phones), and `trunk_is_first` says which. `early_offer` sends the first leg's offer along;
    otherwise the second leg is asked for its offer, as CUCM does without an MTP.
    """

    def __init__(
        self,
        incoming: IncomingRequest,
        place: Callable[[Audio | None], OutgoingInvite],
        *,
        trunk: CucmNode | None,
        trunk_is_first: bool,
        party: Party,
        early_offer: bool,
    ) -> None:
        self.incoming = incoming
        self.trunk = trunk
        self.party = party
        self.over = threading.Event()
        self.established = threading.Event()
        self._place = place
        self._trunk_is_first = trunk_is_first
        self._early_offer = early_offer
        self._requests: Box[IncomingRequest] = Box()
        self._second: OutgoingInvite | None = None
        self._held = False

    def serve(self) -> None:
        """Set the call up, pass on what happens in it, release it."""
        try:
            if self._set_up():
                self.established.set()
                self._serve_requests()
        except (AssertionError, OSError):
            self._release_what_is_left()
            raise
        finally:
            self.over.set()

    # -- setting up

    def _set_up(self) -> bool:
        self.incoming.when_dialog = self._listen
        offer = self.incoming.request.sdp
        passed = offer.as_audio() if offer is not None and self._early_offer else None
        try:
            second = self._second = self._place(passed)
        except OSError:  # nobody takes the TCP connection: the trunk is down
            self._reply(503)
            return False
        self._listen(second.dialog)
        self.incoming.when_cancelled = lambda: _forget(second.cancel())
        if self.incoming.answered:  # the CANCEL came before we could listen for it
            second.cancel()
        while True:
            response = second.responses.take(lambda _: True, _RING_LIMIT)
            if response is None:
                second.cancel()
                self._reply(480)
                return False
            if response.is_final:
                break
            if response.status > 100 and not self.incoming.answered:
                self._reply_first(180, None)
        if response.status >= 300:
            self._refuse(self.incoming, response)
            return False
        if self.incoming.answered:  # CANCEL and 200 crossed: the call is taken down at once (RFC 3261 §9.1)
            second.ack(_refusal(response) if passed is None else None)
            second.dialog.bye().expect_final()
            return False
        self._answer(second, response, offer, passed)
        return True

    def _listen(self, dialog: Dialog) -> None:
        dialog.inbox = self._requests

    def _answer(self, second: OutgoingInvite, response: Response, offer: Sdp | None, passed: Audio | None) -> None:
        theirs = response.sdp
        assert theirs is not None, f"an answer without SDP:\n{response}"
        if offer is None or passed is not None:
            self._reply_first(200, theirs.as_audio())
            ack = self.incoming.expect_ack(_ANSWER_LIMIT)
            second.ack(ack.sdp.as_audio() if ack.sdp is not None and passed is None else None)
            return
        # Both sides have offered: each gets the other's stream as its answer.
        self._reply_first(200, answer_to_offer(offer, theirs.as_audio()))
        second.ack(answer_to_offer(theirs, offer.as_audio()))
        self.incoming.expect_ack(_ANSWER_LIMIT)

    def _reply_first(self, status: int, audio: Audio | None) -> None:
        if self._trunk_is_first and self.trunk is not None:
            if status == 180:
                self.trunk.ring(self.incoming, self.party)
            else:
                self.trunk.answer(self.incoming, self.party, audio)
        else:
            self.incoming.reply(status, sdp=audio)

    def _reply(self, status: int) -> None:
        if not self.incoming.answered:
            self.incoming.reply(status)

    def _refuse(self, incoming: IncomingRequest, response: Response) -> None:
        if not incoming.answered:
            reason = response.get("Reason")
            incoming.reply(response.status, response.reason, headers=[] if reason is None else [("Reason", reason)])

    # -- in the call

    def _dialogs(self) -> tuple[Dialog, Dialog]:
        assert self._second is not None
        return self.incoming.dialog, self._second.dialog

    def _is_trunk(self, dialog: Dialog) -> bool:
        return self.trunk is not None and (dialog is self._dialogs()[0]) == self._trunk_is_first

    def _serve_requests(self) -> None:
        while True:
            request = self._requests.take(lambda _: True, 1.0)
            if request is None:
                if self.over.is_set():
                    return
                continue
            first, second = self._dialogs()
            other = second if request.dialog is first else first
            if request.method == "BYE":
                request.reply(200)
                self._bye(other).expect_final()
                return
            if request.method in ("INVITE", "UPDATE") and request.request.sdp is not None:
                self._pass_offer(request, other)
            elif request.method == "INVITE":
                self._pass_question(request, other)
            else:
                request.reply(200 if request.method in ("UPDATE", "INFO", "OPTIONS", "NOTIFY") else 501)

    def _pass_offer(self, request: IncomingRequest, other: Dialog) -> None:
        offer = request.request.sdp
        assert offer is not None
        stops = offer.direction in (Direction.SENDONLY, Direction.INACTIVE) or offer.address == "0.0.0.0"
        if self.trunk is not None and self._is_trunk(other) and (stops or self._held):
            self._hold_in_two_steps(self.trunk, request, offer, other, stops=stops)
            return
        invite = other.invite(offer.as_audio())
        response = invite.expect_final(_ANSWER_LIMIT)
        if response.status >= 300:
            self._refuse(request, response)
            return
        invite.ack()
        assert response.sdp is not None, f"an answer without SDP:\n{response}"
        request.reply(200, sdp=response.sdp.as_audio())
        if request.method == "INVITE":
            request.expect_ack(_ANSWER_LIMIT)

    def _pass_question(self, request: IncomingRequest, other: Dialog) -> None:
        invite = other.invite()
        response = invite.expect_final(_ANSWER_LIMIT)
        if response.status >= 300:
            self._refuse(request, response)
            return
        assert response.sdp is not None, f"no offer in the answer:\n{response}"
        request.reply(200, sdp=response.sdp.as_audio())
        answer = request.expect_ack(_ANSWER_LIMIT).sdp
        invite.ack(answer.as_audio() if answer is not None else _refusal(response))

    def _hold_in_two_steps(
        self, trunk: CucmNode, request: IncomingRequest, offer: Sdp, other: Dialog, *, stops: bool
    ) -> None:
        media = offer.as_audio()
        phone = Party(self.party.number, self.party.name, media=Audio(media.port, media.address, media.codecs))
        if stops:
            trunk.hold(other, phone)
            self._held = True
            answer = answer_to_offer(offer, phone.media)
        else:
            trunk.resume(other, phone)
            self._held = False
            assert other.remote_sdp is not None
            answer = answer_to_offer(offer, other.remote_sdp.as_audio())
        request.reply(200, sdp=answer)
        if request.method == "INVITE":
            request.expect_ack(_ANSWER_LIMIT)

    # -- releasing

    def _bye(self, dialog: Dialog) -> OutgoingRequest:
        return self.trunk.release(dialog) if self.trunk is not None and self._is_trunk(dialog) else dialog.bye()

    def _release_what_is_left(self) -> None:
        """Something went wrong: neither side may be left in a call. The error itself is what the test gets to see."""
        self._reply(500)
        dialogs = [self.incoming.dialog_or_none, self._second.dialog if self._second is not None else None]
        for dialog in dialogs:
            if dialog is not None and dialog.remote_tag is not None:
                with contextlib.suppress(AssertionError, OSError):
                    dialog.bye().expect_final(1.0)


def _refusal(response: Response) -> Audio:
    """The answer to an offer that nobody wants any more."""
    assert response.sdp is not None
    return response.sdp.as_audio().held()


def _forget(_: OutgoingRequest) -> None:
    return None
