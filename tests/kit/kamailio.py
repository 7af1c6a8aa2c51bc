"""A real Kamailio with the project's configuration, on free ports and with a runtime directory of its own."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.kit.processes import Process, free_port, wait_for

HOME = Path(__file__).resolve().parents[2]


class Kamailio:
    """One switch. ``database`` is the conninfo of role kamcti_switch."""

    def __init__(
        self,
        directory: Path,
        database: str,
        address: str = "127.0.0.1",
        port: int = 0,
        workers: int = 2,
        options_interval: int = 10,
    ) -> None:
        self.directory = directory
        self.database = database
        self.address = address
        self.port = port or free_port(address)
        self.workers = workers
        self.options_interval = options_interval
        self._process: Process | None = None
        directory.mkdir(parents=True, exist_ok=True)
        # The control socket's path may have 107 bytes; directories of tests and checkouts are often longer.
        self._short = tempfile.TemporaryDirectory(prefix="kamcti-")
        self.control = Path(self._short.name) / "kamailio.ctl"

    @property
    def uri(self) -> str:
        return f"sip:{self.address}:{self.port}"

    @property
    def pid(self) -> int:
        return self._running().pid

    def write_site(self) -> Path:
        """The site file (see kamailio/site.cfg.example)."""
        values = {
            "ADDRESS": self.address,
            "PORT": self.port,
            "CONTROLLER_PORT": free_port(),
            "WORKERS": self.workers,
            "OPTIONS_INTERVAL": self.options_interval,
            "HOME": HOME,
            "RUN": self.directory,
            "CONTROL": self.control,
        }
        site = self.directory / "site.cfg"
        lines = [f'#!substdef "!KAMCTI_{name}!{value}!g"' for name, value in values.items()]
        site.write_text("#!KAMAILIO\n" + "\n".join(lines) + f'\ninclude_file "{HOME}/kamailio/kamailio.cfg"\n')
        (self.directory / "dispatcher.list").touch()
        return site

    def check(self) -> subprocess.CompletedProcess[str]:
        """``kamailio -c``: the configuration is read and every parameter checked."""
        return subprocess.run(
            ["kamailio", "-c", "-f", str(self.write_site())], capture_output=True, text=True, timeout=30, check=False
        )

    def start(self, ready_timeout: float = 15.0) -> None:
        """Starts and waits until its workers answer; does not wait for a configuration (``wait_for_site``)."""
        site = self.write_site()
        self._process = Process(
            "kamailio",
            [
                *("kamailio", "-f", str(site), "-DD", "-E", "-Y", str(self.directory)),
                *("-P", str(self.directory / "kamailio.pid"), "-m", "128", "-M", "16", "-x", "fm", "-X", "fm"),
            ],
            self.directory / "kamailio.log",
            {
                "KAMCTI_DATABASE": self.database,
                "KAMCTI_RUN": str(self.directory),
                "KAMCTI_ADDRESS": f"{self.address}:{self.port}",
            },
        )
        def answers() -> bool:
            if not self._running().running:
                raise RuntimeError(f"kamailio ended:\n{self.log()[-4000:]}")
            return self.control.exists() and self.command("core.uptime").returncode == 0

        wait_for(answers, "kamailio answers on its control socket", ready_timeout)

    def wait_for_site(self, version: int = 1, timeout: float = 10.0) -> None:
        """Until the configuration from PostgreSQL is in shared memory, at least in its ``version``."""
        wait_for(lambda: self.shared("site_version") >= version, f"site version {version}", timeout)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One ``kamcmd`` command."""
        return subprocess.run(
            ["kamcmd", "-s", f"unix:{self.control}", *words],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )

    def processes(self) -> dict[str, list[int]]:
        """Process ids by what they do: ``controller``, ``journal``, ``intake``, and ``SIP`` for all others."""
        words = self.command("core.ps").stdout.splitlines()
        found: dict[str, list[int]] = {"SIP": [], "controller": [], "journal": [], "intake": []}
        for pid, what in zip(words[::2], words[1::2], strict=True):
            found[next((name for name in found if what.endswith(f"timer={name}")), "SIP")].append(int(pid))
        return found

    def shared(self, name: str) -> int:
        """A numeric shared variable."""
        answer = self.command("pv.shvGet", name)
        digits = [word for word in answer.stdout.replace(":", " ").split() if word.lstrip("-").isdigit()]
        return int(digits[-1]) if digits else 0

    def counter(self, name: str) -> int:
        """A counter of group kamcti."""
        answer = self.command("cnt.get", "kamcti", name)
        return int(answer.stdout.strip() or 0)

    def table(self, name: str) -> dict[str, str]:
        """A shared table as it is now (``htable.dump``)."""
        rows: dict[str, str] = {}
        key = ""
        for line in self.command("htable.dump", name).stdout.splitlines():
            word, _, value = line.strip().partition(": ")
            if word == "name":
                key = value
            elif word == "value":
                rows[key] = value
        return rows

    def rpc(self, method: str, *params: str) -> Any:
        """A JSON answer of ``kamcmd``-reachable RPC ``method``."""
        return json.loads(self.command(method, *params).stdout)

    def log(self) -> str:
        return self._running().output()

    def stop(self) -> int:
        return self._running().stop(timeout=15.0)

    def kill(self) -> None:
        self._running().kill()

    def _running(self) -> Process:
        if self._process is None:
            raise RuntimeError("kamailio was not started")
        return self._process

    def __enter__(self) -> "Kamailio":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.stop()


def main() -> int:
    """``kamailio -c`` on the project's configuration; what it says goes to the terminal when it refuses."""
    with tempfile.TemporaryDirectory() as directory:
        result = Kamailio(Path(directory), "").check()
    if result.returncode:
        print(result.stdout, result.stderr, sep="\n", file=sys.stderr)
    else:
        print("kamailio -c: the configuration is fine")
    return result.returncode


if __name__ == "__main__":
    raise SystemExit(main())
