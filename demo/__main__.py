"""``make demo``: a customer calls two agents, and the T-Library events of their DNs are shown as they arrive.

``make run`` (``--stay``) starts the same site and keeps it up until it is interrupted.
"""

import argparse
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from demo.site import AGENT_ONE, AGENT_TWO, PASSWORD, SECOND_NUMBER, SERVICE_NUMBER, TONES, USER, Site
from kamcti.monitor import describe
from tests.kit.event_log import EventLog
from tests.kit.phones import CallState
from tests.kit.processes import wait_for
from tlib.events import Event


def main() -> int:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--stay", action="store_true", help="start the site and keep it up")
    options = parser.parse_args()
    # SIGTERM ends it as Ctrl-C does: everything that was started is ended, too.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with Site() as site:
            return _stay(site) if options.stay else _demonstrate(site)
    except KeyboardInterrupt:
        print("interrupted; everything is stopped")
        return 0 if options.stay else 130


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _stay(site: Site) -> int:
    gateway = f"{site.gateway.host}:{site.gateway.port}"
    monitor = f".venv/bin/kamcti monitor --gateway {gateway} --user {USER} --password {PASSWORD}"
    print(
        f"""
SIP (UDP and TCP)     {site.kamailio.address}:{site.kamailio.port}
T-Library gateway     {gateway}   user {USER}, password {PASSWORD}
PostgreSQL            psql '{site.postgres.conninfo()}'
Kamailio              kamcmd -s unix:{site.kamailio.control} htable.dump call
CUCM stand-in         {site.cucm.nodes[0].local} (trunk), {site.cucm.lines.local} (phones register here)
events                {monitor} {AGENT_ONE} {AGENT_TWO}

{AGENT_ONE} answers by itself. Register a phone at the stand-in and dial {SERVICE_NUMBER}. Ctrl-C ends it.""",
        flush=True,
    )
    threading.Event().wait()
    return 0


def _demonstrate(site: Site) -> int:
    dns = (AGENT_ONE, AGENT_TWO)
    passed: dict[str, bool] = {}
    with EventLog((site.gateway.host, site.gateway.port), USER, PASSWORD, dns, follow=_show) as log:
        print(f"\nThe customer dials {SERVICE_NUMBER}; agent {AGENT_ONE} answers.", flush=True)
        call = site.customer.call(SERVICE_NUMBER)
        at_agent = site.agent_one.expect_call()
        call.wait_for(CallState.CONFIRMED)
        passed["the customer hears the agent"] = site.customer.hears(TONES[AGENT_ONE])
        passed["the agent hears the customer"] = site.agent_one.hears(TONES[site.customer.name])
        call.hang_up()
        at_agent.wait_for(CallState.DISCONNECTED)
        answered = ["EventRinging", "EventOffHook", "EventEstablished", "EventReleased", "EventOnHook"]
        passed["events of the answered call"] = _soon(lambda: log.names(AGENT_ONE) == answered)

        print(f"\nThe customer dials {SECOND_NUMBER}; agent {AGENT_TWO} does not answer.", flush=True)
        call = site.customer.call(SECOND_NUMBER)
        at_agent = site.agent_two.expect_call()
        call.wait_for(CallState.EARLY)
        call.hang_up()
        at_agent.wait_for(CallState.DISCONNECTED)
        passed["events of the abandoned call"] = _soon(
            lambda: log.names(AGENT_TWO) == ["EventRinging", "EventAbandoned"]
        )
        passed["both legs of both calls are released"] = _soon(
            lambda: not site.kamailio.table("leg") and not site.kamailio.table("call")
        )

    print("\nSummary")
    for what, fine in passed.items():
        print(f"  {'yes' if fine else 'NO '}  {what}")
    return 0 if all(passed.values()) else 1


def _show(event: Event) -> None:
    print("  " + describe(event), flush=True)


def _soon(condition: Callable[[], bool]) -> bool:
    try:
        wait_for(condition, "", 5.0)
    except TimeoutError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
