"""Which requests the switch carries out, and what it says of the others."""

import pytest

from kemi.calls.model import CallModel
from kemi.requests.table import HANDLERS, carry_out
from kemi.requests.unsupported import WHY
from tests.kit.call_facts import CallFacts, ask, run
from tlib.enums import CallInfoType, CallState, CallType
from tlib.errors import TError, TLibError
from tlib.events import EventPartyInfo
from tlib.message import message_name
from tlib.requests import REQUESTS, Request, RequestAttachUserData, RequestQueryCall, RequestSetInputMask
from tlib_gateway.session import CAPABILITIES

X = CallFacts()


@pytest.mark.parametrize("request_", REQUESTS, ids=message_name)
def test_every_request_is_carried_out_or_has_a_reason_why_not(request_: type[Request]) -> None:
    told_by_gateway = request_ is RequestSetInputMask
    assert (request_ in CAPABILITIES) + (request_ in WHY) + told_by_gateway == 1
    if request_ in HANDLERS:
        assert request_ in CAPABILITIES


@pytest.mark.parametrize("request_", WHY, ids=message_name)
def test_a_refusal_names_the_request_and_the_reason(request_: type[Request]) -> None:
    with pytest.raises(TLibError) as refused:
        carry_out(CallModel(), message_name(request_), b"{}", 0.0, [])
    assert refused.value.code == TError.UNSUPPORTED_OPERATION
    assert refused.value.message == f"{message_name(request_)} is not supported by this switch: {WHY[request_]}"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"message":"RequestAttachUserData","ThisDN":"1001"}', "ConnID: missing"),
        (b'{"message":"RequestQueryCall","ThisDN":"1001","ConnID":"00000000000000a1"}', "is not a RequestAttach"),
        (b'{"message":"KeepAlive"}', "is not a RequestAttach"),
        (b"{", "malformed JSON"),
    ],
)
def test_a_body_that_is_not_the_request_is_53(body: bytes, text: str) -> None:
    with pytest.raises(TLibError, match=text) as refused:
        carry_out(CallModel(), message_name(RequestAttachUserData), body, 0.0, [])
    assert refused.value.code == TError.INVALID_ATTRIBUTE


class TestQueryCall:
    def query(self, kind: CallInfoType) -> EventPartyInfo:
        model = CallModel()
        run(model, X.invite(), X.ringing())
        ask(model, RequestAttachUserData(this_dn="1001", conn_id=X.connid, user_data={"k": "v"}))
        request = RequestQueryCall(this_dn="1001", conn_id=X.connid, call_info_type=kind, reference_id=8)
        info, effects = ask(model, request)
        assert effects == []
        assert isinstance(info, EventPartyInfo)
        assert (info.reference_id, info.this_dn, info.conn_id, info.call_info_type) == (8, "1001", X.connid, kind)
        assert (info.call_type, info.call_state, info.user_data) == (CallType.INBOUND, CallState.OK, {"k": "v"})
        return info

    def test_parties(self) -> None:
        assert self.query(CallInfoType.PARTIES_QUERY).extensions == {
            "party-1": X.caller,
            "role-1": "Origination",
            "ps-1": 9,
            "party-2": "1001",
            "role-2": "Destination",
            "ps-2": 3,
        }

    def test_status(self) -> None:
        assert self.query(CallInfoType.STATUS_QUERY).extensions is None

    def test_a_call_that_is_none_of_the_dn_is_56(self) -> None:
        with pytest.raises(TLibError) as refused:
            ask(CallModel(), RequestQueryCall(this_dn="1001", conn_id=X.connid))
        assert refused.value.code == TError.INVALID_CONN_ID
