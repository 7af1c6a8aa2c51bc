"""The demo's site, running: PostgreSQL, Kamailio, the gateway, and a CUCM stand-in with real phones behind it."""

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from string import Template

from kamcti import configuration_store, site_file
from tests.kit.cucm import CucmCluster, Party
from tests.kit.gateway import GatewayProcess
from tests.kit.kamailio import Kamailio
from tests.kit.phones import Phone
from tests.kit.postgres import PrivatePostgres
from tests.kit.sip import Address

HOME = Path(__file__).resolve().parents[1]
USER = PASSWORD = "demo"
SERVICE_NUMBER, SECOND_NUMBER = "8000", "8001"
AGENT_ONE, AGENT_TWO, CUSTOMER = "2001", "2002", "+15550100"
TONES = {CUSTOMER: 600, AGENT_ONE: 900, AGENT_TWO: 1200}
"""Frequency in Hz that each phone sends, so that who hears whom can be told from the sound."""


class Site:
    """Everything that the demo starts. A context manager: on exit all of it is ended, and its files are removed."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.directory = HOME / ".run"

    def __enter__(self) -> "Site":
        runs = HOME / ".run"
        runs.mkdir(exist_ok=True)
        # A directory of its own, so that several may run at once.
        self.directory = Path(tempfile.mkdtemp(prefix="site-", dir=runs))
        self._stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start(self) -> None:
        start = self._stack.enter_context
        print("starting PostgreSQL, a private cluster ...", flush=True)
        self.postgres = start(PrivatePostgres(self.directory / "postgres"))
        self.postgres.create_database()
        self.postgres.migrate()

        print("starting the CUCM stand-in with two agents' phones and a customer's ...", flush=True)
        self.cucm = start(CucmCluster())
        for number, name in ((AGENT_ONE, "Agent One"), (AGENT_TWO, "Agent Two"), (CUSTOMER, "Ada Caller")):
            self.cucm.add_line(Party(number, name))
        self.agent_one = start(self._phone(AGENT_ONE, answer_after=1.0))
        self.agent_two = start(self._phone(AGENT_TWO, answer_after=None))
        self.customer = start(self._phone(CUSTOMER, answer_after=None))

        text = Template((HOME / "demo" / "site.yaml").read_text()).substitute(
            CUCM_PORT=self.cucm.nodes[0].local.port
        )
        self.site_file = self.directory / "site.yaml"
        self.site_file.write_text(text)
        configuration_store.apply(self.postgres.conninfo(), site_file.parse(text))

        print("starting Kamailio and the T-Library gateway ...", flush=True)
        self.kamailio = start(
            Kamailio(self.directory / "switch", self.postgres.conninfo("kamcti_switch"), options_interval=5)
        )
        self.kamailio.wait_for_site()
        self.cucm.connect(Address(self.kamailio.address, self.kamailio.port))
        self.gateway = start(GatewayProcess(self.directory, self.postgres.conninfo("kamcti_gateway")))

    def _phone(self, number: str, answer_after: float | None) -> Phone:
        return Phone(
            number,
            directory=self.directory,
            tone=TONES[number],
            answer_after=answer_after,
            registrar=self.cucm.lines.local,
        )
