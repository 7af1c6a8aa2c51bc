"""Write a configuration as a site file; applying the file again changes nothing."""

import yaml

from kamcti.configuration import (
    Agent,
    Configuration,
    Destination,
    Dn,
    GatewayUser,
    Route,
    Selection,
    Switch,
    Transport,
    Trunk,
)
from kamcti.site_file import DN_SECTIONS

Entry = dict[str, object]


def dump(configuration: Configuration) -> str:
    """The site file of a configuration, without what is default. Passwords appear as hashes."""
    dns = {dn.number: dn for dn in configuration.dns}
    sections: dict[str, object] = {"switch": _switch(configuration.switch)}
    sections["trunks"] = [_trunk(dns[t.dn], t, configuration.destinations) for t in configuration.trunks]
    for section, kind in DN_SECTIONS.items():
        sections[section] = [_dn(dn) for dn in configuration.dns if dn.type is kind]
    sections["routes"] = [_route(route) for route in configuration.routes]
    sections["agents"] = [_agent(agent) for agent in configuration.agents]
    sections["users"] = [_user(user) for user in configuration.users]
    present = {name: section for name, section in sections.items() if section}
    return yaml.dump(present, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Dumper(yaml.SafeDumper):
    """Writes texts so that they are read back as they are."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    # YAML takes these for line ends unless they are written as escapes, which only double quotes have.
    style = '"' if any(end in text for end in "\x85\u2028\u2029") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _switch(switch: Switch) -> Entry:
    return _without_defaults({"name": switch.name}, options=dict(switch.options))


def _trunk(dn: Dn, trunk: Trunk, destinations: tuple[Destination, ...]) -> Entry:
    entry: Entry = {"dn": trunk.dn, "name": dn.name, "selection": trunk.selection.value}
    if not dn.name:
        del entry["name"]
    if trunk.selection is Selection.ROUND_ROBIN:
        del entry["selection"]
    following = 1
    listed: list[Entry] = []
    for destination in sorted((d for d in destinations if d.trunk == trunk.dn), key=lambda d: d.position):
        listed.append(_destination(destination, following))
        following = destination.position + 1
    entry["destinations"] = listed
    return _without_defaults(entry, options=dict(trunk.options), enabled=dn.enabled)


def _destination(destination: Destination, following: int) -> Entry:
    entry: Entry = {"host": destination.host}
    if destination.port != 5060:
        entry["port"] = destination.port
    if destination.transport is not Transport.UDP:
        entry["transport"] = destination.transport.value
    if destination.weight != 50:
        entry["weight"] = destination.weight
    if destination.position != following:
        entry["position"] = destination.position
    return entry


def _dn(dn: Dn) -> Entry:
    entry: Entry = {"dn": dn.number}
    if dn.trunk is not None:
        entry["trunk"] = dn.trunk
    return _without_defaults(entry, name=dn.name, options=dict(dn.options), enabled=dn.enabled)


def _route(route: Route) -> Entry:
    return _without_defaults({"number": route.number, "dn": route.dn}, description=route.description)


def _agent(agent: Agent) -> Entry:
    entry = _without_defaults({"login_id": agent.login_id}, name=agent.name)
    if agent.password_hash is not None:
        entry["password_hash"] = agent.password_hash
    return _without_defaults(entry, options=dict(agent.options), enabled=agent.enabled)


def _user(user: GatewayUser) -> Entry:
    entry: Entry = {"name": user.name, "password_hash": user.password_hash, "role": user.role.value}
    return _without_defaults(entry, enabled=user.enabled)


def _without_defaults(
    entry: Entry, *, name: str = "", description: str = "", options: Entry | None = None, enabled: bool = True
) -> Entry:
    if name:
        entry["name"] = name
    if description:
        entry["description"] = description
    if options:
        entry["options"] = options
    if not enabled:
        entry["enabled"] = False
    return entry
