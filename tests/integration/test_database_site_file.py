"""``kamcti apply`` and ``kamcti export`` against a real database: the tables become what the file says."""

import threading
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings

from kamcti import configuration_store
from kamcti.configuration import Configuration, Destination, Dn, DnType, Route, Switch, Trunk
from kamcti.difference import compare
from kamcti.site_export import dump
from kamcti.site_file import parse
from tests.kit.configurations import configurations
from tests.kit.fixtures_postgres import Database

EXAMPLE = (Path(__file__).resolve().parents[2] / "docs" / "site.example.yaml").read_text()

VERSIONS = """
    SELECT 'switch', name, xmin::text FROM kamcti.switch
    UNION ALL SELECT 'dn', number, xmin::text FROM kamcti.dn
    UNION ALL SELECT 'trunk', dn, xmin::text FROM kamcti.trunk
    UNION ALL SELECT 'trunk_destination', trunk || position, xmin::text FROM kamcti.trunk_destination
    UNION ALL SELECT 'route', number, xmin::text FROM kamcti.route
    UNION ALL SELECT 'agent', login_id, xmin::text FROM kamcti.agent
    UNION ALL SELECT 'gateway_user', name, xmin::text FROM kamcti.gateway_user
"""


def versions(database: Database) -> dict[tuple[object, object], object]:
    """The transaction that wrote each configuration row."""
    with database.connect() as connection:
        return {(table, key): xmin for table, key, xmin in connection.execute(VERSIONS)}


def differences(old: Configuration, new: Configuration) -> list[str]:
    return list(compare(old, new).lines())


def test_the_example_is_applied_and_applying_it_again_changes_nothing(database: Database) -> None:
    first = configuration_store.apply(database.conninfo(), parse(EXAMPLE))
    # The new database's own row of the switch is changed; everything else is new.
    assert first.summary() == "19 added, 1 changed, 0 removed"
    written = versions(database)
    # Also the passwords in clear: they fit the hashes that are stored.
    assert configuration_store.apply(database.conninfo(), parse(EXAMPLE)).summary() == "no change"
    assert versions(database) == written


def test_what_is_exported_is_what_was_applied(database: Database) -> None:
    configuration_store.apply(database.conninfo(), parse(EXAMPLE))
    exported = dump(configuration_store.read(database.conninfo()))
    assert "change-me" not in exported
    assert configuration_store.apply(database.conninfo(), parse(exported)).summary() == "no change"
    assert dump(configuration_store.read(database.conninfo())) == exported


def test_only_rows_that_differ_are_written(database: Database) -> None:
    configuration_store.apply(database.conninfo(), parse(EXAMPLE))
    before = versions(database)
    changed = (
        EXAMPLE.replace("Window seat", "Door seat").replace("dn: 7100", "dn: 7101").replace("weight: 30", "weight: 31")
    )
    difference = configuration_store.apply(database.conninfo(), parse(changed))
    assert sorted(difference.lines()) == [
        "+ dn 7101",
        "- dn 7100",
        "~ dn 1001: name",
        "~ trunk_destination PSTN 2: weight",
    ]
    after = versions(database)
    assert {row for row in before if after.get(row) != before[row]} == {
        ("dn", "1001"),
        ("dn", "7100"),
        ("trunk_destination", "PSTN2"),
    }
    assert after.keys() - before.keys() == {("dn", "7101")}


def test_a_changed_password_is_a_change_and_is_not_shown(database: Database) -> None:
    configuration_store.apply(database.conninfo(), parse(EXAMPLE))
    changed = parse(EXAMPLE.replace("change-me-too", "another"))
    difference = configuration_store.apply(database.conninfo(), changed)
    assert list(difference.lines()) == ["~ gateway_user desktop: password_hash"]


def test_a_dry_run_says_the_same_and_writes_nothing(database: Database) -> None:
    before = versions(database)
    difference = configuration_store.apply(database.conninfo(), parse(EXAMPLE), dry_run=True)
    assert difference.summary() == "19 added, 1 changed, 0 removed"
    assert versions(database) == before


def test_sql_is_the_source_of_truth(database: Database) -> None:
    configuration_store.apply(database.conninfo(), parse(EXAMPLE))
    with database.connect() as connection:
        connection.execute("UPDATE kamcti.dn SET enabled = true, options = '{\"tone\": true}' WHERE number = '1002'")
        connection.execute("UPDATE kamcti.trunk_destination SET position = 7 WHERE trunk = 'PSTN' AND position = 2")
    site = configuration_store.read(database.conninfo())
    again = parse(dump(site))
    assert differences(site, again) == []
    assert sorted(compare(parse(EXAMPLE), again).dns.lines()) == ["~ dn 1002: options, enabled"]
    assert [d.position for d in again.destinations if d.trunk == "PSTN"] == [1, 7]


def test_true_and_1_are_different_options(database: Database) -> None:
    for value in ("1", "true", "1.0", "'1'"):
        text = f"switch: {{name: s, options: {{a: {value}}}}}\n"
        assert configuration_store.apply(database.conninfo(), parse(text)).summary() == "0 added, 1 changed, 0 removed"
        assert configuration_store.apply(database.conninfo(), parse(text)).summary() == "no change"


def test_destinations_change_places(database: Database) -> None:
    text = "switch: {name: s}\ntrunks:\n- {dn: T, destinations: [{host: a}, {host: b}, {host: c}]}\n"
    configuration_store.apply(database.conninfo(), parse(text))
    turned = parse(text.replace("host: a", "host: x").replace("host: c", "host: a").replace("host: x", "host: c"))
    configuration_store.apply(database.conninfo(), turned)
    assert [d.host for d in configuration_store.read(database.conninfo()).destinations] == ["c", "b", "a"]


def test_live_state_survives_for_what_stays(database: Database) -> None:
    configuration_store.apply(database.conninfo(), parse(EXAMPLE))
    with database.connect("kamcti_switch") as switch:
        switch.execute("INSERT INTO kamcti.dn_state (dn, dnd) VALUES ('1001', true), ('7100', true)")
        switch.execute("INSERT INTO kamcti.agent_state (login_id, dn, status) VALUES ('5001', '1001', 'Ready')")
        switch.execute("INSERT INTO kamcti.trunk_state (trunk, position, state) VALUES ('CUCM', 1, 'up')")
        changed = EXAMPLE.replace("Window seat", "Door seat").replace("dn: 7100", "dn: 7101")
        configuration_store.apply(database.conninfo(), parse(changed))
        assert switch.execute("SELECT dn FROM kamcti.dn_state").fetchall() == [("1001",)]
        assert switch.execute("SELECT login_id FROM kamcti.agent_state").fetchall() == [("5001",)]
        assert switch.execute("SELECT state::text FROM kamcti.trunk_state").fetchall() == [("up",)]


def test_a_refusal_of_the_database_leaves_everything_as_it_was(database: Database) -> None:
    """The file's own checks keep this from happening; should one be missing, nothing is written by halves."""
    configuration_store.apply(database.conninfo(), parse(EXAMPLE))
    before = versions(database)
    wrong = Configuration(
        switch=Switch(name="changed"),
        dns=(Dn(number="1001", type=DnType.ACD_QUEUE),),
        routes=(Route(number="0800100", dn="9999"),),
    )
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="a route leads to a DN that exists"):
        configuration_store.apply(database.conninfo(), wrong)
    assert versions(database) == before


def test_types_trunks_and_routes_change_all_at_once(database: Database) -> None:
    """What was a trunk is an extension behind what was an extension, and the route's old target is a trunk."""
    old = Configuration(
        switch=Switch(name="s"),
        dns=(
            Dn(number="A", type=DnType.TRUNK),
            Dn(number="B", type=DnType.EXTENSION, trunk="A"),
            Dn(number="C", type=DnType.EXTENSION, trunk="A", options={"x": 1}),
        ),
        trunks=(Trunk(dn="A"),),
        destinations=(Destination(trunk="A", position=1, host="a"),),
        routes=(Route(number="1", dn="B"), Route(number="2", dn="C")),
    )
    new = Configuration(
        switch=Switch(name="t"),
        dns=(
            Dn(number="A", type=DnType.EXTENSION, trunk="B"),
            Dn(number="B", type=DnType.TRUNK),
            Dn(number="D", type=DnType.VOIP_SERVICE, trunk="B"),
        ),
        trunks=(Trunk(dn="B"),),
        destinations=(Destination(trunk="B", position=1, host="a"),),
        routes=(Route(number="1", dn="A"), Route(number="3", dn="D")),
    )
    for there, back in ((old, new), (new, old)):
        configuration_store.apply(database.conninfo(), there)
        configuration_store.apply(database.conninfo(), back)
        assert differences(configuration_store.read(database.conninfo()), back) == []


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(site=configurations())
def test_any_configuration_follows_any_other(database: Database, site: Configuration) -> None:
    """Each example is applied over the one before it."""
    configuration_store.apply(database.conninfo(), site)
    assert differences(configuration_store.read(database.conninfo()), site) == []
    assert configuration_store.apply(database.conninfo(), site).summary() == "no change"


def test_two_that_apply_at_once_take_turns(database: Database) -> None:
    first = parse(EXAMPLE)
    second = parse("switch: {name: other}\nqueues: [{dn: 7000}, {dn: 1001}]\nroutes: [{number: 0800100, dn: 1001}]\n")
    failures: list[BaseException] = []

    def apply(site: Configuration) -> None:
        try:
            for _ in range(5):
                configuration_store.apply(database.conninfo(), site)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=apply, args=[site]) for site in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failures == []
    found = configuration_store.read(database.conninfo())
    wanted = first if found.switch.name == first.switch.name else second
    assert differences(configuration_store.settle_passwords(wanted, found), found) == []


def test_an_apply_waits_for_someone_who_is_editing(database: Database) -> None:
    """Otherwise it would compare with what is about to change."""
    configuration_store.apply(database.conninfo(), parse(EXAMPLE))
    results: list[str] = []
    with psycopg.connect(database.conninfo()) as editor, database.connect() as observer:
        editor.execute("UPDATE kamcti.dn SET name = 'edited' WHERE number = '1001'")
        thread = threading.Thread(
            target=lambda: results.append(configuration_store.apply(database.conninfo(), parse(EXAMPLE)).summary())
        )
        thread.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'ShareRowExclusiveLock'"
        while observer.execute(waiting).fetchone() == (0,):
            assert thread.is_alive()
        editor.commit()
        thread.join(timeout=60)
    assert results == ["0 added, 1 changed, 0 removed"]
    assert configuration_store.read(database.conninfo()).dns[0].name == "Window seat"
