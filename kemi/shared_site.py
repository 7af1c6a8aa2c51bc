"""Puts the site's configuration where the SIP workers look for it: shared tables and the dispatcher's list."""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from kemi.interfaces import Log, Shared
from kemi.routing.site import Site


class ChangingTable(Protocol):
    """A shared table that entries can be taken out of."""

    def set(self, key: str, value: str) -> None: ...

    def delete(self, key: str) -> None: ...


def addresses_of(host: str) -> Sequence[str]:
    """The IP addresses of ``host``; an address stands for itself. Raises ``OSError`` when the name has none."""
    return sorted({str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)})


class SharedSitePublisher:
    """Writes each new configuration as a difference to the last one, and counts it in ``site_version``."""

    def __init__(
        self,
        *,
        tables: Mapping[str, ChangingTable],
        dispatcher_list: Path,
        reload_dispatcher: Callable[[], bool],
        shared: Shared,
        log: Log,
        resolve: Callable[[str], Sequence[str]] = addresses_of,
    ) -> None:
        self._tables = tables
        self._dispatcher_list = dispatcher_list
        self._reload_dispatcher = reload_dispatcher
        self._shared = shared
        self._log = log
        self._resolve = resolve
        self._entries: dict[str, dict[str, str]] = {}
        self._version = 0

    def publish(self, site: Site) -> None:
        """Makes ``site`` the one that workers route by. ``OSError``: the dispatcher's list cannot be written."""
        self._write_dispatcher_list(site.dispatcher_list())
        entries = site.entries(self._addresses)
        # What others point to comes first and goes last: trunks, then DNs, then routes.
        for name in ("trunk", "source", "dn", "route"):
            old = self._entries.get(name, {})
            for key, value in entries[name].items():
                if old.get(key) != value:
                    self._tables[name].set(key, value)
        for name in ("route", "dn", "source", "trunk"):
            for key in self._entries.get(name, {}).keys() - entries[name].keys():
                self._tables[name].delete(key)
        self._entries = entries
        self._version += 1
        self._shared.set("site_version", self._version)
        counts = " ".join(f"{name}s={len(entries[name])}" for name in ("dn", "route", "trunk", "source"))
        self._log.info(f"site=published version={self._version} {counts}")

    def _addresses(self, host: str) -> Sequence[str]:
        try:
            return self._resolve(host)
        except OSError as error:
            self._log.error(f"host={host} error=no address, requests from it will be refused: {error}")
            return ()

    def _write_dispatcher_list(self, text: str) -> None:
        if self._dispatcher_list.exists() and self._dispatcher_list.read_text() == text:
            return
        new = self._dispatcher_list.with_suffix(".new")
        new.write_text(text)
        os.replace(new, self._dispatcher_list)
        if not self._reload_dispatcher():
            self._log.error(f"file={self._dispatcher_list} error=the dispatcher refused it and keeps the old list")
