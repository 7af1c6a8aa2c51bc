"""The site file: the configuration of a site as YAML, checked before anything is written (`docs/database.md`)."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from kamcti.configuration import (
    Agent,
    ClearPassword,
    Configuration,
    Destination,
    Dn,
    DnType,
    GatewayRole,
    GatewayUser,
    Options,
    Password,
    Route,
    Selection,
    Switch,
    Transport,
    Trunk,
)
from kamcti.yaml_reading import Item, Problem, Reader
from tlib.passwords import is_password_hash

DN_SECTIONS = {
    "extensions": DnType.EXTENSION,
    "routing_points": DnType.ROUTING_POINT,
    "queues": DnType.ACD_QUEUE,
    "services": DnType.VOIP_SERVICE,
}
"""Sections whose entries are plain DNs, in the order in which they are written."""

_SECTIONS = ("switch", "trunks", *DN_SECTIONS, "routes", "agents", "users")
_BEHIND_TRUNKS = (DnType.EXTENSION, DnType.VOIP_SERVICE)

_NUMBER = re.compile(r"[0-9A-Za-z+*#_.-]{1,64}")
_LOGIN = re.compile(r"[0-9A-Za-z_.@-]{1,64}")
_HOST_NAME = re.compile(r"[0-9A-Za-z]([0-9A-Za-z_.-]{0,251}[0-9A-Za-z])?")

_NUMBER_RULE = "is not a number or name of a DN: 1 to 64 of 0-9 A-Z a-z + * # _ . - without blanks"
_LOGIN_RULE = "is not a login: 1 to 64 of 0-9 A-Z a-z _ . @ - without blanks"
_HOST_RULE = "is not a host name or an IP address (without port or brackets)"

T = TypeVar("T")


class SiteFileWrong(Exception):
    """The file cannot be applied; ``problems`` has every reason, in the order of lines."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def parse(text: bytes | str) -> Configuration:
    """The configuration that a site file describes. Raises `SiteFileWrong` with all that is wrong with it."""
    reader = Reader()
    document = reader.document(text)
    configuration = _Site(reader).read(document) if document is not None else None
    if configuration is None or reader.problems:
        raise SiteFileWrong(sorted(reader.problems))
    return configuration


@dataclass(slots=True)
class _Site:
    """Reads the sections. A refused value is replaced by a default: the problem is noted, and reading goes on.

    A name counts as declared even when the rest of its entry is wrong, so that no mistake is reported twice.
    """

    reader: Reader
    declared: dict[str, DnType] = field(default_factory=dict)
    seen: dict[tuple[str, str], int] = field(default_factory=dict)
    dns: list[Dn] = field(default_factory=list)
    trunks: list[Trunk] = field(default_factory=list)
    destinations: list[Destination] = field(default_factory=list)

    def read(self, document: Item) -> Configuration | None:
        sections = self.reader.mapping(document, _SECTIONS, required=("switch",))
        if sections is None or "switch" not in sections:
            return None
        switch = self._switch(sections["switch"])
        for item in self.reader.sequence(sections.get("trunks")):
            self._trunk(item)
        for section, kind in DN_SECTIONS.items():
            for item in self.reader.sequence(sections.get(section)):
                self._dn(item, kind)
        return Configuration(
            switch=switch,
            dns=tuple(self.dns),
            trunks=tuple(self.trunks),
            destinations=tuple(self.destinations),
            routes=self._rows(sections.get("routes"), self._route),
            agents=self._rows(sections.get("agents"), self._agent),
            users=self._rows(sections.get("users"), self._user),
        )

    def _rows(self, section: Item | None, read: Callable[[Item], T | None]) -> tuple[T, ...]:
        rows = [read(item) for item in self.reader.sequence(section)]
        return tuple(row for row in rows if row is not None)

    def _switch(self, item: Item) -> Switch:
        fields = self._fields(item, ("name", "options"), required=("name",))
        name = self._matching(fields["name"], _LOGIN, _LOGIN_RULE) if "name" in fields else None
        return Switch(name=name or "", options=self._options(fields))

    def _trunk(self, item: Item) -> None:
        keys = ("dn", "name", "enabled", "selection", "destinations", "options")
        fields = self._fields(item, keys, required=("dn", "destinations"))
        number = self._declare(fields.get("dn"), DnType.TRUNK)
        if "destinations" in fields:
            self._destinations(number or "", fields["destinations"])
        if number is None:
            return
        selection = self.reader.choice(fields["selection"], Selection) if "selection" in fields else None
        self.trunks.append(
            Trunk(dn=number, selection=selection or Selection.ROUND_ROBIN, options=self._options(fields))
        )
        self.dns.append(
            Dn(
                number=number,
                type=DnType.TRUNK,
                name=self._text(fields, "name"),
                enabled=self._enabled(fields),
            )
        )

    def _destinations(self, trunk: str, section: Item) -> None:
        positions: set[int] = set()
        peers: set[tuple[str, int, Transport]] = set()
        following = 1
        keys = ("host", "port", "transport", "weight", "position")
        for item in self.reader.sequence(section):
            fields = self._fields(item, keys, required=("host",))
            destination = Destination(
                trunk=trunk,
                position=self._integer(fields, "position", 1, 2**31 - 1, "a position", following),
                host=self._host(fields["host"]) if "host" in fields else "",
                port=self._integer(fields, "port", 1, 65535, "a port", 5060),
                transport=(self.reader.choice(fields["transport"], Transport) if "transport" in fields else None)
                or Transport.UDP,
                weight=self._integer(fields, "weight", 1, 100, "a weight", 50),
            )
            peer = (destination.host, destination.port, destination.transport)
            if destination.host and peer in peers:
                self.reader.refuse(item, f"{peer[0]}:{peer[1]} over {peer[2].value} is in this trunk already")
            if destination.position in positions:
                self.reader.refuse(fields.get("position", item), f"position {destination.position} is taken")
            peers.add(peer)
            positions.add(destination.position)
            following = destination.position + 1
            self.destinations.append(destination)

    def _dn(self, item: Item, kind: DnType) -> None:
        trunk_key = ("trunk",) if kind in _BEHIND_TRUNKS else ()
        required = ("dn", "trunk") if kind is DnType.EXTENSION else ("dn",)
        fields = self._fields(item, ("dn", *trunk_key, "name", "enabled", "options"), required=required)
        number = self._declare(fields.get("dn"), kind)
        trunk = self.reader.text(fields["trunk"]) if "trunk" in fields else None
        if trunk is not None and self.declared.get(trunk) is not DnType.TRUNK:
            self.reader.refuse(fields["trunk"], f"there is no trunk {trunk!r}")
        if number is not None:
            self.dns.append(
                Dn(
                    number=number,
                    type=kind,
                    trunk=trunk,
                    name=self._text(fields, "name"),
                    options=self._options(fields),
                    enabled=self._enabled(fields),
                )
            )

    def _route(self, item: Item) -> Route | None:
        fields = self._fields(item, ("number", "dn", "description"), required=("number", "dn"))
        number = self._matching(fields["number"], _NUMBER, _NUMBER_RULE) if "number" in fields else None
        if number is not None:
            self._only_once("route for", number, fields["number"])
        dn = self.reader.text(fields["dn"]) if "dn" in fields else None
        if dn is not None and dn not in self.declared:
            self.reader.refuse(fields["dn"], f"there is no DN {dn!r}")
        elif dn is not None and self.declared[dn] is DnType.TRUNK:
            self.reader.refuse(fields["dn"], f"{dn!r} is a trunk: a number cannot lead to it")
        return Route(number=number or "", dn=dn or "", description=self._text(fields, "description"))

    def _agent(self, item: Item) -> Agent | None:
        fields = self._fields(
            item, ("login_id", "name", "enabled", "password", "password_hash", "options"), ("login_id",)
        )
        return Agent(
            login_id=self._login(fields, "login_id", "agent"),
            name=self._text(fields, "name"),
            password_hash=self._password(item, fields),
            options=self._options(fields),
            enabled=self._enabled(fields),
        )

    def _user(self, item: Item) -> GatewayUser | None:
        fields = self._fields(item, ("name", "enabled", "password", "password_hash", "role"), ("name",))
        password = self._password(item, fields)
        if fields and password is None and not {"password", "password_hash"} & fields.keys():
            self.reader.refuse(item, "has neither password nor password_hash")
        role = self.reader.choice(fields["role"], GatewayRole) if "role" in fields else None
        return GatewayUser(
            name=self._login(fields, "name", "user"),
            password_hash=password or "",
            role=role or GatewayRole.CLIENT,
            enabled=self._enabled(fields),
        )

    def _fields(self, item: Item, keys: tuple[str, ...], required: tuple[str, ...] = ()) -> dict[str, Item]:
        return self.reader.mapping(item, keys, required) or {}

    def _declare(self, item: Item | None, kind: DnType) -> str | None:
        number = self._matching(item, _NUMBER, _NUMBER_RULE) if item is not None else None
        if item is None or number is None:
            return None
        self._only_once("DN", number, item)
        self.declared.setdefault(number, kind)
        return number

    def _login(self, fields: dict[str, Item], key: str, what: str) -> str:
        login = self._matching(fields[key], _LOGIN, _LOGIN_RULE) if key in fields else None
        if login is not None:
            self._only_once(what, login, fields[key])
        return login or ""

    def _only_once(self, what: str, name: str, item: Item) -> None:
        first = self.seen.get((what, name))
        if first is not None:
            self.reader.refuse(item, f"{what} {name} is there already, in line {first}")
        else:
            self.seen[what, name] = item.line

    def _matching(self, item: Item, pattern: re.Pattern[str], rule: str) -> str | None:
        text = self.reader.text(item)
        if text is not None and not pattern.fullmatch(text):
            self.reader.refuse(item, f"{text!r} {rule}")
            return None
        return text

    def _host(self, item: Item) -> str:
        text = self.reader.text(item)
        if text is not None and not is_host(text):
            self.reader.refuse(item, f"{text!r} {_HOST_RULE}")
        return text or ""

    def _password(self, item: Item, fields: dict[str, Item]) -> Password | None:
        if "password" in fields and "password_hash" in fields:
            self.reader.refuse(item, "has both password and password_hash")
        if "password_hash" in fields:
            stored = self.reader.text(fields["password_hash"])
            if stored is not None and not is_password_hash(stored):
                self.reader.refuse(fields["password_hash"], "is not a password hash: scrypt$n$r$p$salt$hash")
            return stored
        if "password" in fields:
            clear = self.reader.text(fields["password"])
            if clear == "":
                self.reader.refuse(fields["password"], "is empty")
            return ClearPassword(clear) if clear is not None else None
        return None

    def _integer(self, fields: dict[str, Item], key: str, low: int, high: int, meaning: str, default: int) -> int:
        number = self.reader.integer(fields[key], low, high, meaning) if key in fields else None
        return default if number is None else number

    def _text(self, fields: dict[str, Item], key: str) -> str:
        return (self.reader.text(fields[key]) if key in fields else None) or ""

    def _enabled(self, fields: dict[str, Item]) -> bool:
        enabled = self.reader.boolean(fields["enabled"]) if "enabled" in fields else None
        return True if enabled is None else enabled

    def _options(self, fields: dict[str, Item]) -> Options:
        return (self.reader.options(fields["options"]) if "options" in fields else None) or {}


def is_host(text: str) -> bool:
    """Whether the text is a host name or an IP address. What looks like an IPv4 address has to be one."""
    if ":" in text or not text.strip("0123456789."):
        try:
            ipaddress.ip_address(text)
        except ValueError:
            return False
        return "%" not in text
    return _HOST_NAME.fullmatch(text) is not None
