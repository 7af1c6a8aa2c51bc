"""The configuration's way into shared memory: as a difference, with what others point to first in and last out."""

from pathlib import Path

import pytest

from kemi.routing.site import Destination, Dn, DnType, Route, Site, Trunk
from kemi.shared_site import SharedSitePublisher
from tests.kit.in_memory import MemoryLog, MemoryShared

SITE = Site(
    dns=tuple(Dn(number=number, type=DnType.EXTENSION, trunk="CUCM") for number in ("2001", "2002")),
    trunks=(Trunk(dn="CUCM", set_id=1, destinations=(Destination(position=1, host="192.0.2.10", port=5060),)),),
    routes=(Route(number="8000", dn="2001"),),
)


class Recorder:
    """A shared table that tells every change to one common list."""

    def __init__(self, name: str, changes: list[tuple[str, str, str]]) -> None:
        self._name = name
        self._changes = changes

    def set(self, key: str, value: str) -> None:
        self._changes.append(("set", self._name, key))

    def delete(self, key: str) -> None:
        self._changes.append(("delete", self._name, key))


class Around:
    """A publisher and what it wrote."""

    def __init__(self, directory: Path) -> None:
        self.changes: list[tuple[str, str, str]] = []
        self.shared = MemoryShared()
        self.log = MemoryLog()
        self.reloads = 0
        self.accepts = True
        self.list = directory / "dispatcher.list"
        self.publisher = SharedSitePublisher(
            tables={name: Recorder(name, self.changes) for name in ("dn", "route", "trunk", "source")},
            dispatcher_list=self.list,
            reload_dispatcher=self._reload,
            shared=self.shared,
            log=self.log,
            resolve=self._resolve,
        )

    def _reload(self) -> bool:
        self.reloads += 1
        return self.accepts

    @staticmethod
    def _resolve(host: str) -> list[str]:
        if host == "nowhere.example.com":
            raise OSError("no such host")
        return [host]


@pytest.fixture
def around(tmp_path: Path) -> Around:
    return Around(tmp_path)


def test_first_configuration_is_written_whole_and_in_order(around: Around) -> None:
    around.publisher.publish(SITE)
    assert [change[1] for change in around.changes] == ["trunk", "source", "dn", "dn", "route"]
    assert around.shared.get("site_version") == 1
    assert around.reloads == 1
    assert "sip:192.0.2.10:5060" in around.list.read_text()


def test_only_what_changed_is_written(around: Around) -> None:
    around.publisher.publish(SITE)
    around.changes.clear()
    around.publisher.publish(Site(dns=SITE.dns[:1], trunks=SITE.trunks, routes=(Route(number="8001", dn="2001"),)))
    assert around.changes == [("set", "route", "8001"), ("delete", "route", "8000"), ("delete", "dn", "2002")]
    assert around.reloads == 1, "the destinations are the same"
    assert around.shared.get("site_version") == 2


def test_host_without_address_refuses_only_itself(around: Around) -> None:
    nowhere = Trunk(
        dn="Far", set_id=2, destinations=(Destination(position=1, host="nowhere.example.com", port=5060),)
    )
    around.publisher.publish(Site(dns=SITE.dns, trunks=(*SITE.trunks, nowhere), routes=SITE.routes))
    assert [change for change in around.changes if change[1] == "source"] == [("set", "source", "192.0.2.10")]


def test_list_that_cannot_be_written_leaves_the_configuration(tmp_path: Path) -> None:
    around = Around(tmp_path / "missing")
    with pytest.raises(OSError, match="missing"):
        around.publisher.publish(SITE)
    assert around.changes == []
    assert around.shared.get("site_version") is None
