"""The file that Kamailio loads, and the only one it knows: a shim that is not meant to change.

A script that fails to import again after ``kamcmd app_python.reload`` makes every worker retry at each message
until the server shuts itself down. So this file imports the package inside ``try`` and keeps what it had when the
new code is broken. Every callback returns an int and never raises: an error that stays pending would break the next,
unrelated message.
"""

import gc
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

import KSR

if TYPE_CHECKING:
    from kemi.processes import Runs
    from kemi.worker import Worker

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_packages = os.environ.get("KAMCTI_SITE_PACKAGES") or os.path.join(
    HOME, ".venv", "lib", f"python{sys.version_info.major}.{sys.version_info.minor}", "site-packages"
)
for _path in (_packages, HOME):
    if _path not in sys.path:
        sys.path.insert(0, _path)

# What a SIP worker may take anew from disk while it runs. The three processes hold state and keep their code.
RELOADED = ("kemi.worker", "kemi.routing")


def _load() -> "Worker":
    old = {name: module for name, module in sys.modules.items() if name.startswith(RELOADED)}
    for name in old:
        del sys.modules[name]
    try:
        from kemi import worker

        return worker.Worker()
    except Exception:
        sys.modules.update(old)
        raise


def _guarded(name: str, on_error: Callable[[], int], call: Callable[[], int]) -> int:
    try:
        return call()
    except Exception:
        KSR.err(f"callback={name} error={traceback.format_exc()}\n")
        return on_error()


def _refuse() -> int:
    KSR.pv.sets("$var(verdict)", "500|Routing Decision Failed")
    return -1


def _go_on() -> int:
    return 1


class Script:
    """The object whose methods the native routes call with ``python_exec``."""

    def __init__(self) -> None:
        self.rank = 0
        self.worker = _load()
        self.processes: dict[str, Runs] = {}

    def child_init(self, rank: int) -> int:
        self.rank = rank
        return 1

    def route_invite(self, _msg: object, fields: str) -> int:
        return _guarded("route_invite", _refuse, lambda: self.worker.route_invite(self.rank, fields))

    def reverse_record_route(self, _msg: object) -> int:
        return _guarded("reverse_record_route", _go_on, lambda: self.worker.reverse_record_route())

    def controller(self, _msg: object) -> int:
        return self._run("controller")

    def journal(self, _msg: object) -> int:
        return self._run("journal")

    def intake(self, _msg: object) -> int:
        return self._run("intake")

    def _run(self, name: str) -> int:
        def once() -> int:
            if name not in self.processes:
                from kemi import processes

                self.processes[name] = processes.BUILDERS[name]()
            self.processes[name].run_once()
            return 1

        def rest() -> int:
            # The same error would come back at once and fill the log; the queues keep what arrives meanwhile.
            time.sleep(1.0)
            return 1

        return _guarded(name, rest, once)


_script: Script | None = globals().get("_script")


def mod_init() -> Script:
    """Kamailio calls it once at start, before it forks, and again in each process at a reload."""
    global _script
    if _script is None:
        _script = Script()
        # What is loaded now stays: the collector need not look at it again, in any of the processes to come.
        gc.freeze()
        gc.set_threshold(100_000, 50, 100)
        return _script
    try:
        _script.worker = _load()
        KSR.info("reload=worker result=done\n")
    except Exception:
        KSR.err(f"reload=worker result=kept-old error={traceback.format_exc()}\n")
    return _script
