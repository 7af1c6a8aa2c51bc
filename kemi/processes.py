"""The three Python processes inside Kamailio, each built in the process that runs it, from the parts that it needs."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from kemi import controller, intake, journal, ksr
from kemi.controller import Controller
from kemi.intake import Intake
from kemi.journal import Journal
from kemi.shared_site import SharedSitePublisher


class Runs(Protocol):
    """What ``processes.cfg`` drives: work for a bounded time, then return."""

    def run_once(self) -> None: ...


def _controller() -> Controller:
    return controller.build(
        facts_queue=ksr.MessageQueue("facts"),
        rows_queue=ksr.MessageQueue("rows"),
        metrics=ksr.Table("metrics"),
        shared=ksr.Shared(),
        log=ksr.Log(),
        send_to_switch=ksr.send_to_switch,
    )


def _journal() -> Journal:
    return journal.build(
        rows_queue=ksr.MessageQueue("rows"), metrics=ksr.Table("metrics"), shared=ksr.Shared(), log=ksr.Log()
    )


def _intake() -> Intake:
    publisher = SharedSitePublisher(
        tables={name: ksr.Table(name) for name in ("dn", "route", "trunk", "source")},
        dispatcher_list=Path(os.environ["KAMCTI_RUN"]) / "dispatcher.list",
        reload_dispatcher=ksr.reload_dispatcher,
        shared=ksr.Shared(),
        log=ksr.Log(),
    )
    return intake.build(
        facts_queue=ksr.MessageQueue("facts"),
        publisher=publisher,
        metrics=ksr.Table("metrics"),
        shared=ksr.Shared(),
        log=ksr.Log(),
    )


BUILDERS: Mapping[str, Callable[[], Runs]] = {"controller": _controller, "journal": _journal, "intake": _intake}
