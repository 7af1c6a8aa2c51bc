"""What every message has in common: how Python names become the documented attribute names."""

import msgspec

# Words of an attribute name that are not simply capitalised.
_INITIALISMS = {
    "dn": "DN",
    "id": "ID",
    "ani": "ANI",
    "dnis": "DNIS",
    "uuid": "UUID",
    "dtmf": "DTMF",
}
# Names that follow no rule.
_IRREGULAR = {
    "time": "time",
    "time_in_secs": "TimeinSecs",
    "time_in_usecs": "TimeinuSecs",
    "server_x_capabilities": "ServerXCapabilities",
    "x_route_type": "XRouteType",
}


def wire_name(name: str) -> str:
    """The documented attribute name for a Python field name: ``this_dn_role`` becomes ``ThisDNRole``."""
    if name in _IRREGULAR:
        return _IRREGULAR[name]
    return "".join(_INITIALISMS.get(word, word.capitalize()) for word in name.split("_"))


class Message(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    gc=False,
    rename=wire_name,
    tag_field="message",
    tag=True,
):
    """A message of the protocol. On the wire it is one JSON object whose ``message`` is the class's name.

    Attributes that are ``None`` are absent on the wire. Messages hold no reference cycles, so they are kept
    out of the garbage collector's sight.
    """


def message_name(message: Message | type[Message]) -> str:
    """The T-Library name of a message or message class, such as ``EventRinging``."""
    return message.__name__ if isinstance(message, type) else type(message).__name__


class KeepAlive(Message, frozen=True, kw_only=True):
    """Sent by either side when it has sent nothing else for one keep-alive period; it is not answered."""
