"""What a peer must keep to in every dialog, checked over everything that an endpoint sent and received.

The checks look at a peer that terminates its dialogs itself (a B2BUA): it is the only element that an
endpoint sees.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from tests.kit.sip.endpoint import Endpoint
from tests.kit.sip.ladder import Entry, Way
from tests.kit.sip.message import Request, Response
from tests.kit.sip.sdp import Origin
from tests.kit.sip.uri import NameAddr


def assert_dialog_rules(*endpoints: Endpoint) -> None:
    """Check what the peers of these endpoints sent; every violation is listed, with the ladder.

    - a request carries one Via and Max-Forwards, no Record-Route, and a Content-Length that fits;
    - CSeq grows with each new request of a dialog, ACK and CANCEL carry their INVITE's (RFC 3261 §12.2.1.1,
      §9.1, §17.1.1.3);
    - the peer's tag never changes within a dialog, and it sends back ours unchanged;
    - a response brings back Via, From, Call-ID and CSeq as they were sent, and our To with a tag (§8.2.6);
    - RAck names a reliable response and an INVITE that we know (RFC 3262 §7.2);
    - per dialog the session id, user and address of o= stay, the version never shrinks, and grows with
      every change of the description (RFC 3264 §8).
    """
    broken: list[str] = []
    for endpoint in endpoints:
        by_dialog: dict[str, list[Entry]] = defaultdict(list)
        for entry in endpoint.messages():
            if entry.message is not None and "Call-ID" in entry.message:
                by_dialog[entry.message.call_id].append(entry)
        for call_id, entries in by_dialog.items():
            broken += [f"{endpoint.name} {call_id}: {text}" for text in _broken_rules(entries)]
    if broken:
        pictures = "\n".join(endpoint.ladder_text() for endpoint in endpoints)
        raise AssertionError("dialog rules are broken:\n  " + "\n  ".join(broken) + f"\n{pictures}")


def assert_separate_legs(first: Endpoint, second: Endpoint) -> None:
    """Nothing of one leg may be seen on the other.

    Call-IDs, tags, branches (two dialogs, not one relayed).
    """
    seen = [_identities(endpoint) for endpoint in (first, second)]
    shared = seen[0] & seen[1]
    if shared:
        raise AssertionError(
            f"both {first.name} and {second.name} saw {sorted(shared)}\n{first.ladder_text()}\n{second.ladder_text()}"
        )


def _identities(endpoint: Endpoint) -> set[str]:
    found: set[str] = set()
    for entry in endpoint.messages():
        message = entry.message
        if message is None:
            continue
        found.update({message.call_id, message.from_tag or "", message.to_tag or "", message.via.branch or ""})
    return found - {""}


def _broken_rules(entries: list[Entry]) -> Iterable[str]:
    received = [entry for entry in entries if entry.way is Way.RECEIVED]
    yield from _request_rules(entries)
    yield from _response_rules(entries)
    yield from _origin_rules(received)


def _request_rules(entries: list[Entry]) -> Iterable[str]:
    last: int | None = None
    invites: set[int] = set()
    peer_tag: str | None = None
    our_tags: set[str] = set()
    reliable: set[tuple[str, str]] = set()
    for entry in entries:
        message = entry.message
        if entry.way is not Way.RECEIVED:
            if isinstance(message, Response):
                our_tags.update({message.to_tag or ""} - {""})
                if "RSeq" in message:
                    reliable.add((message["RSeq"], message["CSeq"]))
            elif isinstance(message, Request):
                our_tags.update({message.from_tag or ""} - {""})
            continue
        if not isinstance(message, Request):
            continue
        what = f"{message.method} (CSeq {message.get('CSeq')})"
        if len(message.values("Via")) != 1:
            yield f"{what} has {len(message.values('Via'))} Via values: {message.values('Via')}"
        if "Max-Forwards" not in message:
            yield f"{what} has no Max-Forwards"
        if "Record-Route" in message:
            yield f"{what} has Record-Route"
        length = message.get("Content-Length")
        if length is not None and int(length) != len(message.body):
            yield f"{what} says Content-Length {length} and has {len(message.body)} bytes"
        tag = message.from_tag
        if tag is None:
            yield f"{what} has no From tag"
        elif peer_tag is None:
            peer_tag = tag
        elif tag != peer_tag:
            yield f"{what} changes the From tag from {peer_tag} to {tag}"
        if message.to_tag is not None and message.to_tag not in our_tags:
            yield f"{what} has a To tag that is not ours: {message.to_tag}"
        number, method = message.cseq
        if method != message.method:
            yield f"{what} is a {message.method} request"
        if message.method in ("ACK", "CANCEL"):
            if number not in invites:
                yield f"{what} belongs to no INVITE of this dialog ({sorted(invites)})"
        elif not entry.again:
            if last is not None and number <= last:
                yield f"{what} does not follow CSeq {last}"
            last = number
        if message.method == "INVITE":
            invites.add(number)
        if message.method == "PRACK":
            rseq, _, rest = message["RAck"].partition(" ")
            if (rseq, rest) not in reliable:
                yield f"{what} has RAck {message['RAck']}, sent were {sorted(reliable)}"


def _response_rules(entries: list[Entry]) -> Iterable[str]:
    sent = {
        (entry.message.via.branch, entry.message.cseq.method): entry.message
        for entry in entries
        if entry.way is Way.SENT and isinstance(entry.message, Request) and entry.message.method != "ACK"
    }
    tags: dict[str, str] = {}
    for entry in entries:
        response = entry.message
        if entry.way is not Way.RECEIVED or not isinstance(response, Response):
            continue
        what = f"{response.status} to {response.get('CSeq')}"
        request = sent.get((response.via.branch, response.cseq.method))
        if request is None:
            yield f"{what} belongs to no request of ours"
            continue
        if len(response.values("Via")) != len(request.values("Via")):
            yield f"{what} has {len(response.values('Via'))} Via values"
        for name in ("From", "Call-ID", "CSeq"):
            if response.get(name) != request.get(name):
                yield f"{what} brings back {name} as {response.get(name)!r}, sent was {request.get(name)!r}"
        ours = NameAddr.parse(request["To"])
        theirs = NameAddr.parse(response["To"])
        if str(ours.uri) != str(theirs.uri):
            yield f"{what} has another To URI: {theirs.uri}, sent was {ours.uri}"
        if ours.tag is not None and theirs.tag != ours.tag:
            yield f"{what} changes the To tag from {ours.tag} to {theirs.tag}"
        if response.status > 100 and theirs.tag is None:
            yield f"{what} has no To tag"
        if response.cseq.method == "INVITE" and 100 < response.status < 300 and theirs.tag is not None:
            first = tags.setdefault(request["CSeq"], theirs.tag)
            if first != theirs.tag:
                yield f"{what} has To tag {theirs.tag}, an earlier answer had {first}"
        length = response.get("Content-Length")
        if length is not None and int(length) != len(response.body):
            yield f"{what} says Content-Length {length} and has {len(response.body)} bytes"


def _origin_rules(received: list[Entry]) -> Iterable[str]:
    first: Origin | None = None
    version = 0
    content: tuple[str, ...] = ()
    for entry in received:
        message = entry.message
        if message is None or entry.again or message.sdp is None:
            continue
        what = message.start_line
        try:
            origin = message.sdp.origin
        except (AssertionError, ValueError):
            yield f"{what}: no o= line that can be read: {message.sdp.lines[:2]}"
            continue
        if first is None:
            first, version, content = origin, origin.version, message.sdp.without_origin
            continue
        if (origin.username, origin.session_id, origin.address) != (
            first.username,
            first.session_id,
            first.address,
        ):
            yield f"{what}: o= changes from {first} to {origin}"
        changed = message.sdp.without_origin != content
        if origin.version < version:
            yield f"{what}: o= version shrinks from {version} to {origin.version}"
        elif changed and origin.version == version:
            yield f"{what}: the description changed, o= version stays {version}"
        version, content = origin.version, message.sdp.without_origin
