"""What is wrong with a site file: every mistake is found, with its line, its path and words that say what to do."""

import pytest

from kamcti.site_file import SiteFileWrong, parse

SWITCH = "switch: {name: s}\n"
TRUNK = "trunks:\n- dn: T1\n  destinations: [{host: 192.0.2.1}]\n"
HASH = "scrypt$16384$8$1$nKc4vIgq7ty8MMZ/W3OuFg==$UAjgPZMKIv1NjnBnD6Z8UZ3PiPDm+i/ZB94nq5Oe4gs="

NUMBER_RULE = "is not a number or name of a DN: 1 to 64 of 0-9 A-Z a-z + * # _ . - without blanks"
LOGIN_RULE = "is not a login: 1 to 64 of 0-9 A-Z a-z _ . @ - without blanks"
HOST_RULE = "is not a host name or an IP address (without port or brackets)"

WRONG = {
    "empty": ("", ["1: the file is empty"]),
    "only comments": ("# nothing\n", ["1: the file is empty"]),
    "not YAML": (
        "switch: {name: s\ntrunks: []\n",
        ["2: is not YAML: while parsing a flow mapping expected ',' or '}', but got ':'"],
    ),
    "a tab": (
        "switch:\n\tname: s\n",
        ["2: is not YAML: while scanning for the next token found character '\\t' that cannot start any token"],
    ),
    "two documents": (
        "switch: {name: s}\n---\nswitch: {name: t}\n",
        ["2: is not YAML: expected a single document in the stream but found another document"],
    ),
    "an unknown anchor": ("switch: *nobody\n", ["1: is not YAML: found undefined alias 'nobody'"]),
    "a list": ("- switch\n", ["1: is a list, not a mapping (key: value)"]),
    "a text": ("switch\n", ["1: is a text, not a mapping (key: value)"]),
    "nothing but a section": ("extensions: []\n", ["1: switch: is missing"]),
    "an unknown section": (
        SWITCH + "extension: []\n",
        ["2: extension: unknown key, did you mean extensions?"],
    ),
    "a section that is nothing like one": (
        SWITCH + "zebra: []\n",
        [
            "2: zebra: unknown key, known here: switch, trunks, extensions, routing_points, queues, services,"
            " routes, agents, users"
        ],
    ),
    "a section twice": (
        SWITCH + "routes: []\nqueues: []\nroutes: []\n",
        ["4: routes: is there twice, first in line 2"],
    ),
    "a section that is a mapping": (SWITCH + "routes:\n  number: 1\n", ["3: routes: is a mapping, not a list"]),
    "an entry that is a text": (
        SWITCH + "queues:\n- 7100\n",
        ["3: queues[0]: is a number, not a mapping (key: value)"],
    ),
    "a key that is a list": (SWITCH + "? [a]\n: b\n", ["2: has a key that is not a text"]),
    "a switch without a name": ("switch: {options: {}}\n", ["1: switch.name: is missing"]),
    "a switch with a blank": (
        "switch: {name: my switch}\n",
        [f"1: switch.name: 'my switch' {LOGIN_RULE}"],
    ),
    "a switch that is null": ("switch:\n", ["1: switch: is missing"]),
    "a port out of range": (
        SWITCH
        + "trunks:\n- dn: T1\n  destinations: [{host: a}]\n- dn: T2\n  destinations:\n  - host: b\n    port: 70000\n",
        ["8: trunks[1].destinations[0].port: 70000 is not a port (1 to 65535)"],
    ),
    "a port that is a text": (
        SWITCH + "trunks:\n- dn: T1\n  destinations: [{host: a, port: sip}]\n",
        ["4: trunks[0].destinations[0].port: 'sip' is a text, not a port (1 to 65535)"],
    ),
    "a port in quotes": (
        SWITCH + 'trunks:\n- dn: T1\n  destinations: [{host: a, port: "5060"}]\n',
        ["4: trunks[0].destinations[0].port: '5060' is a text, not a port (1 to 65535)"],
    ),
    "a port that YAML takes for octal": (
        SWITCH + "trunks:\n- dn: T1\n  destinations: [{host: a, port: 05060}]\n",
        ["4: trunks[0].destinations[0].port: 05060 is not a port (1 to 65535)"],
    ),
    "a port that YAML takes for a time": (
        SWITCH + "trunks:\n- dn: T1\n  destinations: [{host: a, port: 50:30}]\n",
        ["4: trunks[0].destinations[0].port: 50:30 is not a port (1 to 65535)"],
    ),
    "weight, transport and host": (
        SWITCH + "trunks:\n- dn: T1\n  destinations:\n  - {host: 'a b', weight: 0, transport: sctp}\n",
        [
            f"5: trunks[0].destinations[0].host: 'a b' {HOST_RULE}",
            "5: trunks[0].destinations[0].transport: 'sctp' is not one of udp, tcp, tls",
            "5: trunks[0].destinations[0].weight: 0 is not a weight (1 to 100)",
        ],
    ),
    "a host with a port": (
        SWITCH + "trunks:\n- dn: T1\n  destinations: [{host: 'a.example.com:5060'}]\n",
        [f"4: trunks[0].destinations[0].host: 'a.example.com:5060' {HOST_RULE}"],
    ),
    "addresses that are none": (
        SWITCH + "trunks:\n- dn: T1\n  destinations:\n"
        "  - host: 192.0.2.300\n  - host: '2001:db8::1::2'\n  - host: 'fe80::1%eth0'\n",
        [
            f"5: trunks[0].destinations[0].host: '192.0.2.300' {HOST_RULE}",
            f"6: trunks[0].destinations[1].host: '2001:db8::1::2' {HOST_RULE}",
            f"7: trunks[0].destinations[2].host: 'fe80::1%eth0' {HOST_RULE}",
        ],
    ),
    "a destination without a host": (
        SWITCH + "trunks:\n- dn: T1\n  destinations: [{port: 5060}]\n",
        ["4: trunks[0].destinations[0].host: is missing"],
    ),
    "a destination twice": (
        SWITCH + "trunks:\n- dn: T1\n  destinations: [{host: a}, {host: a, port: 5060}, {host: a, transport: tcp}]\n",
        ["4: trunks[0].destinations[1]: a:5060 over udp is in this trunk already"],
    ),
    "a position twice": (
        SWITCH + "trunks:\n- dn: T1\n  destinations: [{host: a, position: 2}, {host: b, position: 1}, {host: c}]\n",
        ["4: trunks[0].destinations[2]: position 2 is taken"],
    ),
    "a trunk without destinations": (SWITCH + "trunks: [{dn: T1}]\n", ["2: trunks[0].destinations: is missing"]),
    "an unknown selection": (
        SWITCH + "trunks: [{dn: T1, selection: random, destinations: []}]\n",
        ["2: trunks[0].selection: 'random' is not one of round-robin, primary-backup"],
    ),
    "an extension without a trunk": (SWITCH + "extensions:\n- dn: 1001\n", ["3: extensions[0].trunk: is missing"]),
    "an extension behind an unknown trunk": (
        SWITCH + TRUNK + "extensions: [{dn: 1001, trunk: T2}]\n",
        ["5: extensions[0].trunk: there is no trunk 'T2'"],
    ),
    "an extension behind a queue": (
        SWITCH + TRUNK + "extensions: [{dn: 1001, trunk: Q1}]\nqueues: [{dn: Q1}]\n",
        ["5: extensions[0].trunk: there is no trunk 'Q1'"],
    ),
    "a queue behind a trunk": (
        SWITCH + TRUNK + "queues: [{dn: Q1, trunk: T1}]\n",
        ["5: queues[0].trunk: unknown key, known here: dn, name, enabled, options"],
    ),
    "a number with a blank": (
        SWITCH + TRUNK + "extensions: [{dn: 10 01, trunk: T1}]\n",
        [f"5: extensions[0].dn: '10 01' {NUMBER_RULE}"],
    ),
    "an empty number": (SWITCH + "queues: [{dn: ''}]\n", [f"2: queues[0].dn: '' {NUMBER_RULE}"]),
    "a number that is too long": (
        SWITCH + f"queues: [{{dn: {'1' * 65}}}]\n",
        [f"2: queues[0].dn: '{'1' * 65}' {NUMBER_RULE}"],
    ),
    "a DN twice": (
        SWITCH + "queues:\n- dn: 7000\nrouting_points:\n- dn: 7000\n",
        ["3: queues[0].dn: DN 7000 is there already, in line 5"],
    ),
    "a DN twice in one line": (
        SWITCH + "queues: [{dn: 7000}, {dn: 7000}]\n",
        ["2: queues[1].dn: DN 7000 is there already, in line 2"],
    ),
    "a DN that is a list": (SWITCH + "queues: [{dn: [1]}]\n", ["2: queues[0].dn: is a list, not a text"]),
    "a name of two lines": (
        SWITCH + 'queues: [{dn: 1, name: "a\\nb"}]\n',
        ["2: queues[0].name: has characters that cannot be printed"],
    ),
    "a name that is too long": (
        SWITCH + f"queues: [{{dn: 1, name: {'x' * 256}}}]\n",
        ["2: queues[0].name: has 256 characters, at most 255 are possible"],
    ),
    "enabled that is a text": (
        SWITCH + "queues: [{dn: 1, enabled: maybe}]\n",
        ["2: queues[0].enabled: 'maybe' is a text, not true or false"],
    ),
    "a route to nowhere": (SWITCH + "routes: [{number: 1, dn: 9}]\n", ["2: routes[0].dn: there is no DN '9'"]),
    "a route to a trunk": (
        SWITCH + TRUNK + "routes: [{number: 1, dn: T1}]\n",
        ["5: routes[0].dn: 'T1' is a trunk: a number cannot lead to it"],
    ),
    "a number routed twice": (
        SWITCH + "queues: [{dn: 7}]\nroutes:\n- {number: 1, dn: 7}\n- {number: 1, dn: 7}\n",
        ["5: routes[1].number: route for 1 is there already, in line 4"],
    ),
    "a route without anything": (
        SWITCH + "routes: [{}]\n",
        ["2: routes[0].dn: is missing", "2: routes[0].number: is missing"],
    ),
    "a route to a DN that is wrong otherwise": (
        SWITCH + "extensions: [{dn: 1001}]\nroutes: [{number: 1, dn: 1001}]\n",
        ["2: extensions[0].trunk: is missing"],
    ),
    "an agent twice": (
        SWITCH + "agents: [{login_id: a}, {login_id: a}]\n",
        ["2: agents[1].login_id: agent a is there already, in line 2"],
    ),
    "an agent without a login": (SWITCH + "agents: [{name: A}]\n", ["2: agents[0].login_id: is missing"]),
    "both kinds of password": (
        SWITCH + f"agents: [{{login_id: a, password: x, password_hash: '{HASH}'}}]\n",
        ["2: agents[0]: has both password and password_hash"],
    ),
    "no hash": (
        SWITCH + "agents: [{login_id: a, password_hash: secret}]\n",
        ["2: agents[0].password_hash: is not a password hash: scrypt$n$r$p$salt$hash"],
    ),
    "an empty password": (SWITCH + "agents: [{login_id: a, password: ''}]\n", ["2: agents[0].password: is empty"]),
    "a user without a password": (
        SWITCH + "users: [{name: a}]\n",
        ["2: users[0]: has neither password nor password_hash"],
    ),
    "a user with an unknown role": (
        SWITCH + "users: [{name: a, password: x, role: root}]\n",
        ["2: users[0].role: 'root' is not one of client, supervisor, router, administrator"],
    ),
    "a user with a blank": (
        SWITCH + "users: [{name: a b, password: x}]\n",
        [f"2: users[0].name: 'a b' {LOGIN_RULE}"],
    ),
    "options of wrong types": (
        "switch:\n  name: s\n  options:\n    a: {b: 1}\n    c:\n    d: [1]\n    e: [[x]]\n    f: .nan\n",
        [
            "4: switch.options.a: is a mapping; an option is a text, a number, true, false or a list of texts",
            "5: switch.options.c: is nothing; an option is a text, a number, true, false or a list of texts",
            "6: switch.options.d[0]: '1' is a number, not a text (put it in quotes)",
            "7: switch.options.e[0]: this is a list, not a text (put it in quotes)",
            "8: switch.options.f: .nan is ambiguous: put a text in quotes, write a number in decimal, or true or false",
        ],
    ),
    "options that YAML reads in an unexpected way": (
        "switch:\n  name: s\n  options:\n    a: 0701\n    b: 10:30\n    c: off\n    d: 1_000\n    e: 0x10\n",
        [
            f"{line}: switch.options.{key}: {value} is ambiguous: put a text in quotes, write a number in decimal,"
            " or true or false"
            for line, key, value in (
                (4, "a", "0701"),
                (5, "b", "10:30"),
                (6, "c", "off"),
                (7, "d", "1_000"),
                (8, "e", "0x10"),
            )
        ],
    ),
    "options that are a list": (
        "switch: {name: s, options: [a]}\n",
        ["1: switch.options: is a list, not a mapping (key: value)"],
    ),
    "an option with NUL": (
        'switch: {name: s, options: {a: "\\0"}}\n',
        ["1: switch.options.a: has characters that cannot be stored"],
    ),
    "an option twice": (
        "switch: {name: s, options: {a: 1, a: 2}}\n",
        ["1: switch.options.a: is there twice, first in line 1"],
    ),
    "many mistakes at once": (
        "switch: {nam: s}\n"
        "trunks:\n- dn: T1\n  destinations: [{host: a, port: 0}]\n"
        "extensions:\n- {dn: 1 1, trunk: T9}\n- {dn: 12}\n"
        "routes: [{number: 5, dn: 99}]\n",
        [
            "1: switch.nam: unknown key, did you mean name?",
            "1: switch.name: is missing",
            "4: trunks[0].destinations[0].port: 0 is not a port (1 to 65535)",
            f"6: extensions[0].dn: '1 1' {NUMBER_RULE}",
            "6: extensions[0].trunk: there is no trunk 'T9'",
            "7: extensions[1].trunk: is missing",
            "8: routes[0].dn: there is no DN '99'",
        ],
    ),
}


@pytest.mark.parametrize(("text", "problems"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_file_is_refused_with_every_reason(text: str, problems: list[str]) -> None:
    with pytest.raises(SiteFileWrong) as refusal:
        parse(text)
    assert [f"{problem.line}: {problem}" for problem in refusal.value.problems] == problems


@pytest.mark.parametrize("text", [b"\xff\xfe\x00", b"switch: {name: \xff}", b"switch: {name: a\x00b}"])
def test_bytes_that_are_no_text_are_refused(text: bytes) -> None:
    with pytest.raises(SiteFileWrong) as refusal:
        parse(text)
    (problem,) = refusal.value.problems
    assert problem.message.startswith("is not YAML: ")


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(SiteFileWrong) as refusal:
        parse("[" * 5000)
    assert [str(problem) for problem in refusal.value.problems] == ["the file is nested too deeply"]
