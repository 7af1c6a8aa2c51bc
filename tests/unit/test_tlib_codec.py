"""What the codec says about messages that are wrong, and that nothing makes it fail in another way."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlib.codec import MAX_MESSAGE, decode_event, decode_request
from tlib.errors import TError, TLibError
from tlib.framing import LineBuffer, TooLong
from tlib.message import Message
from tlib.requests import RequestMakeCall, RequestRegisterAddress, RequestUpdateUserData

CONN_ID = "00000000000000a1"


def refusal(data: bytes) -> TLibError:
    with pytest.raises(TLibError) as caught:
        decode_request(data)
    return caught.value


@pytest.mark.parametrize(
    ("data", "code", "text"),
    [
        (b'{"message":"RequestFly"}', 51, "message: unknown message 'RequestFly'"),
        (b'{"message":"EventRinging"}', 51, "message: unknown message 'EventRinging'"),
        (b"{}", 53, "message: missing"),
        (b'{"message":3}', 53, "message: expected `str`"),
        (b"[]", 53, "a message is a JSON object: expected `object`, got `array`"),
        (b'"RequestMakeCall"', 53, "a message is a JSON object: expected `object`, got `str`"),
        (b'{"message":"RequestMakeCall","ThisDN":"7001"}', 53, "OtherDN: missing"),
        (b'{"message":"RequestMakeCall","ThisDN":7001,"OtherDN":"1"}', 53, "ThisDN: expected `str`, got `int`"),
        (b'{"message":"RequestRegisterAddress","ThisDN":"7001","RegisterMode":"Share"}', 53,
         "RegisterMode: invalid enum value 'Share'"),
        (b'{"message":"RequestQueryServer","ReferenceID":-1}', 53, "ReferenceID: expected `int` >= 0"),
        (b'{"message":"RequestMakeCall",', 53, "malformed JSON: Input data was truncated (byte 29)"),
        (b'{"message":"RequestQueryServer"}}', 53, "malformed JSON: trailing characters (byte 33)"),
        (b'{"message":"RequestQueryServer" "ReferenceID":1}', 53, "malformed JSON: expected ',' or '}' (byte 32)"),
        (b"", 53, "malformed JSON: Input data was truncated (byte 0)"),
        (b'{"message":"KeepAlive","x":"\xff"}', 53, "the message is not UTF-8 (byte 28)"),
        (b'{"message":"KeepAlive","x":' + b"[" * 30000 + b"}", 53, "malformed JSON: nested too deeply"),
        (b'{"message":"RequestRegisterClient","ApplicationName":"a","UserName":"\\u0000"}', 53,
         "UserName: contains the character U+0000"),
    ],
)  # fmt: skip
def test_the_error_says_what_is_wrong_and_where(data: bytes, code: int, text: str) -> None:
    error = refusal(data)
    assert (int(error.code), error.message) == (code, text)


@pytest.mark.parametrize("dn", ["", "a b", "7001\n", "x" * 65, "7001;", "Ü"])
def test_what_is_no_dn_is_refused(dn: str) -> None:
    error = refusal(json.dumps({"message": "RequestRegisterAddress", "ThisDN": dn}).encode())
    assert error.code == TError.INVALID_ATTRIBUTE
    assert error.message.startswith("ThisDN: ")


@pytest.mark.parametrize("connid", ["", "a1", "00000000000000A1", "00000000000000a1\n", "g" * 16, "0" * 17])
def test_what_is_no_connid_is_refused(connid: str) -> None:
    body = {"message": "RequestAnswerCall", "ThisDN": "7001", "ConnID": connid}
    assert refusal(json.dumps(body).encode()).message.startswith("ConnID: ")


def test_key_value_lists_are_checked_to_their_depth() -> None:
    body = '{"message":"RequestUpdateUserData","ThisDN":"7001","ConnID":"%s","UserData":%s}'
    fine = decode_request((body % (CONN_ID, '{"a":{"b":{"c":{"d":1}}},"e":"x"}')).encode())
    assert isinstance(fine, RequestUpdateUserData)
    assert fine.user_data == {"a": {"b": {"c": {"d": 1}}}, "e": "x"}
    for bad in ('{"a":1.5}', '{"a":null}', '{"a":[1]}', '{"a":true}', '{"a":{"b":{"c":{"d":{"e":1}}}}}', "[]", '"a"'):
        assert refusal((body % (CONN_ID, bad)).encode()).message.startswith("UserData")


def test_unknown_attributes_and_nulls_are_ignored() -> None:
    request = decode_request(
        b'{"message":"RequestRegisterAddress","ThisDN":"7001","Colour":[1,{"a":null}],"Reasons":null}'
    )
    assert request == RequestRegisterAddress(this_dn="7001")


def test_an_escaped_backslash_is_no_nul() -> None:
    request = decode_request(b'{"message":"RequestMakeCall","ThisDN":"1","OtherDN":"\\\\u0000"}')
    assert isinstance(request, RequestMakeCall)
    assert request.other_dn == "\\u0000"


@pytest.mark.parametrize(
    "data",
    [
        b'{"message":"RequestFly","ReferenceID":41}',
        b'{"message":"RequestMakeCall","ThisDN":5,"ReferenceID":41}',
        b'{"message":"RequestMakeCall","ReferenceID" : 41, "ThisDN":',
        b'{"ReferenceID":41,"x":"\xff"}',
    ],
)
def test_the_reference_id_of_a_bad_message_is_recovered(data: bytes) -> None:
    assert refusal(data).reference_id == 41


@pytest.mark.parametrize(
    "data",
    [
        b'{"message":"RequestFly","ReferenceID":"41"}',
        b'{"message":"RequestFly","ReferenceID":true}',
        b'{"message":"RequestFly","ReferenceID":-4}',
        b'{"message":"RequestFly","ReferenceID":4.5}',
        b'{"message":"RequestFly","ReferenceID":99999999999999999999999}',
        b'{"ReferenceID":99999999999999999999999,',
        b'{"ReferenceID":4.5,',
        b"[41]",
    ],
)
def test_what_is_no_reference_id_is_not_recovered(data: bytes) -> None:
    assert refusal(data).reference_id is None


def test_a_message_of_the_greatest_length_is_taken_and_a_longer_one_is_not() -> None:
    head, tail = b'{"message":"KeepAlive","x":"', b'"}'
    fits = head + b"a" * (MAX_MESSAGE - len(head) - len(tail)) + tail
    decode_request(fits)
    assert refusal(fits[:-2] + b"a" + tail).message == f"the message is longer than {MAX_MESSAGE} bytes"


OUTCOMES = (None, TError.INVALID_ATTRIBUTE, TError.UNSUPPORTED_OPERATION)


def outcome(decode: Callable[[bytes], Message], data: bytes) -> int | None:
    """The error code, or ``None`` for a message. Any other exception is the test's failure."""
    try:
        decode(data)
    except TLibError as error:
        return error.code
    return None


@given(st.binary(max_size=300))
def test_any_bytes_give_a_message_or_a_protocol_error(data: bytes) -> None:
    for decode in (decode_request, decode_event):
        assert outcome(decode, data) in OUTCOMES


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(["RequestMakeCall", "RequestUpdateUserData", "RequestRegisterClient"]), st.data())
def test_any_json_gives_a_message_or_a_protocol_error(name: str, data: st.DataObject) -> None:
    keys = st.sampled_from(["ThisDN", "OtherDN", "ConnID", "UserData", "ReferenceID", "UserName", "Extensions"])
    body = {"message": name, **data.draw(st.dictionaries(keys, json_values, max_size=5))}
    assert outcome(decode_request, json.dumps(body).encode()) in OUTCOMES


def lines_of(chunks: list[bytes], limit: int) -> list[bytes | TooLong]:
    buffer = LineBuffer(limit)
    lines: list[bytes | TooLong] = []
    for chunk in chunks:
        buffer.feed(chunk)
        while (line := buffer.next_line()) is not None:
            lines.append(line)
    return lines


@given(st.lists(st.binary(max_size=30), max_size=8), st.data())
def test_any_split_of_the_bytes_gives_the_same_lines(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"\n".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    whole: list[bytes | TooLong] = [
        TooLong(12) if len(line) > 12 else line.removesuffix(b"\r") for line in stream.split(b"\n")[:-1]
    ]
    if len(stream.split(b"\n")[-1]) > 12:
        whole.append(TooLong(12))
    assert lines_of([stream], 12) == whole
    assert lines_of(chunks, 12) == whole


def test_a_line_that_never_ends_takes_no_memory() -> None:
    buffer = LineBuffer(100)
    seen = []
    for _ in range(1000):
        buffer.feed(b"x" * 64)
        while (line := buffer.next_line()) is not None:
            seen.append(line)
        assert buffer.pending <= 164
    buffer.feed(b"\nnext\n")
    assert seen == [TooLong(100)]
    assert buffer.next_line() == b"next"
