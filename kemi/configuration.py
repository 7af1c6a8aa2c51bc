"""The configuration tables as one ``Site``, read by one statement, which sees one state of all of them."""

import re

import msgspec

from kemi.routing.site import Site

SITE = b"""
SELECT json_build_object(
    'name', switch.name,
    'options', switch.options,
    'dns', (
        SELECT coalesce(json_agg(json_build_object(
            'number', number, 'type', type, 'trunk', trunk, 'enabled', enabled, 'options', options
        ) ORDER BY number), '[]')
        FROM kamcti.dn
    ),
    'trunks', (
        SELECT coalesce(json_agg(json_build_object(
            'dn', trunk.dn, 'set_id', set_id, 'selection', selection, 'options', trunk.options,
            'destinations', (
                SELECT coalesce(json_agg(json_build_object(
                    'position', position, 'host', host, 'port', port, 'transport', transport, 'weight', weight
                ) ORDER BY position), '[]')
                FROM kamcti.trunk_destination AS destination WHERE destination.trunk = trunk.dn
            )
        ) ORDER BY trunk.dn), '[]')
        FROM kamcti.trunk JOIN kamcti.dn ON dn.number = trunk.dn WHERE dn.enabled
    ),
    'routes', (
        SELECT coalesce(json_agg(json_build_object('number', number, 'dn', dn) ORDER BY number), '[]')
        FROM kamcti.route
    )
)::text
FROM kamcti.switch
"""
"""One row with one text. A trunk whose DN is disabled is as if it were not there."""

_decoder = msgspec.json.Decoder(Site)
_PLACE = re.compile(r"at `\$\.(\w+)\[(\d+)\]")


class Unusable(Exception):
    """A configuration that this release does not understand; the message names the row."""


def decode(text: bytes) -> Site:
    """The site that ``SITE`` read. Raises ``Unusable``."""
    try:
        return _decoder.decode(text)
    except msgspec.DecodeError as error:
        raise Unusable(f"{error}{_row(text, str(error))}") from None


def _row(text: bytes, error: str) -> str:
    place = _PLACE.search(error)
    if place is None:
        return ""
    row = msgspec.json.decode(text)[place[1]][int(place[2])]
    return f" in {msgspec.json.encode(row).decode()}"
