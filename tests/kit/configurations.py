"""Arbitrary configurations that are right, for properties that hold for all of them (hypothesis strategies)."""

from hypothesis import strategies as st

from kamcti.configuration import (
    Agent,
    Configuration,
    Destination,
    Dn,
    DnType,
    GatewayRole,
    GatewayUser,
    Options,
    Route,
    Selection,
    Switch,
    Transport,
    Trunk,
)

_HASHES = [
    "scrypt$16384$8$1$nKc4vIgq7ty8MMZ/W3OuFg==$UAjgPZMKIv1NjnBnD6Z8UZ3PiPDm+i/ZB94nq5Oe4gs=",
    "scrypt$2$1$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
]
_HOSTS = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "a.example.com", "b.example.com"]
# Few names, so that two configurations share most of them and a DN changes its type between them.
_NUMBERS = ["1001", "1002", "0701", "+49301", "*69", "T1", "T2", "on", "null", "1e5"]

_storable = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
_labels = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
_hashes = st.sampled_from(_HASHES)


def _options() -> st.SearchStrategy[Options]:
    names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=10)
    values = st.one_of(
        _storable,
        st.booleans(),
        st.integers(-(10**17), 10**17),
        st.integers(-10000, 10000).map(lambda n: n / 8),
        st.lists(_storable, max_size=3),
    )
    return st.dictionaries(names, values, max_size=3)


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    """A configuration that the database takes, with every kind of row."""
    kinds = draw(st.dictionaries(st.sampled_from(_NUMBERS), st.sampled_from(DnType)))
    trunks = sorted(number for number, kind in kinds.items() if kind is DnType.TRUNK)
    dns: list[Dn] = []
    for number, kind in sorted(kinds.items()):
        ways = list(trunks) if kind in (DnType.EXTENSION, DnType.VOIP_SERVICE) else []
        if kind is DnType.EXTENSION and not ways:
            continue
        dns.append(
            Dn(
                number=number,
                type=kind,
                trunk=draw(st.sampled_from(ways if kind is DnType.EXTENSION else [None, *ways])),
                name=draw(_labels),
                options={} if kind is DnType.TRUNK else draw(_options()),
                enabled=draw(st.booleans()),
            )
        )
    targets = [dn.number for dn in dns if dn.type is not DnType.TRUNK]
    routed = draw(st.lists(st.sampled_from(_NUMBERS), unique=True, max_size=4)) if targets else []
    return Configuration(
        switch=Switch(name=draw(st.sampled_from(["s", "site.2"])), options=draw(_options())),
        dns=tuple(dns),
        trunks=tuple(Trunk(dn=t, selection=draw(st.sampled_from(Selection)), options=draw(_options())) for t in trunks),
        destinations=tuple(destination for trunk in trunks for destination in draw(_destinations(trunk))),
        routes=tuple(
            Route(number=number, dn=draw(st.sampled_from(targets)), description=draw(_labels))
            for number in sorted(routed)
        ),
        agents=tuple(
            Agent(
                login_id=login,
                name=draw(_labels),
                password_hash=draw(st.none() | _hashes),
                options=draw(_options()),
                enabled=draw(st.booleans()),
            )
            for login in draw(st.lists(st.sampled_from(["5001", "5002", "a.b@c"]), unique=True))
        ),
        users=tuple(
            GatewayUser(
                name=name,
                password_hash=draw(_hashes),
                role=draw(st.sampled_from(GatewayRole)),
                enabled=draw(st.booleans()),
            )
            for name in draw(st.lists(st.sampled_from(["desktop", "router", "0x10"]), unique=True))
        ),
    )


@st.composite
def _destinations(draw: st.DrawFn, trunk: str) -> list[Destination]:
    peers = draw(
        st.lists(
            st.tuples(st.sampled_from(_HOSTS), st.sampled_from([5060, 5061]), st.sampled_from(Transport)),
            unique=True,
            max_size=3,
        )
    )
    positions = sorted(draw(st.lists(st.integers(1, 6), unique=True, min_size=len(peers), max_size=len(peers))))
    return [
        Destination(
            trunk=trunk, position=position, host=host, port=port, transport=transport, weight=draw(st.integers(1, 100))
        )
        for position, (host, port, transport) in zip(positions, peers, strict=True)
    ]
