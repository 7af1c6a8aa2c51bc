"""A real Kamailio with the project's modules and one Python script, for asking what `KSR` really is."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from types import TracebackType

from tests.kit.ksr.exports import Function
from tests.kit.processes import Process, free_port, wait_for
from tests.kit.sip import Address

PROJECT = Path(__file__).resolve().parents[3]
MODULES = PROJECT / "kamailio" / "modules.cfg"

_EMPTY_SCRIPT = """
class Script:
    def child_init(self, rank):
        return 1

def mod_init():
    return Script()
"""


class BareKamailio:
    """Kamailio with the modules of `kamailio/modules.cfg`, no routing, and a script whose `run(msg)` is called for
    every OPTIONS that comes. A context manager; everything it writes is in `directory`.
    """

    def __init__(self, directory: Path, script: str = _EMPTY_SCRIPT) -> None:
        self.directory = directory
        self.address = Address("127.0.0.1", free_port())
        self._script = script
        self._process: Process | None = None

    def command(self, *words: str) -> str:
        """The output of one `kamcmd` command."""
        return subprocess.run(
            ["kamcmd", "-s", f"unix:{self.directory}/ctl", *words],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        ).stdout

    def exports(self) -> dict[str, Function]:
        """What this Kamailio exports to Python, by path."""
        functions: dict[str, Function] = {}
        for block in self.command("app_python.api_list").split("func: {")[1:]:
            fields = dict(re.findall(r"^\s*(ret|module|name|params): *(.*?)\s*$", block, re.MULTILINE))
            words = fields["params"]
            parameters = () if words == "none" else tuple(word.strip() for word in words.split(","))
            function = Function(fields["module"], fields["name"], parameters, fields["ret"])
            functions[function.path] = function
        return functions

    def __enter__(self) -> BareKamailio:
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "script.py").write_text(self._script)
        (self.directory / "dispatcher.list").touch()
        configuration = self.directory / "kamailio.cfg"
        configuration.write_text(self._configuration())
        self._process = process = Process(
            "kamailio",
            ["kamailio", "-f", str(configuration), "-DD", "-E", "-Y", str(self.directory), "-m", "64", "-M", "8"],
            self.directory / "kamailio.log",
        )

        def answers() -> bool:
            if not process.running:
                raise RuntimeError(f"kamailio ended:\n{process.output()[-4000:]}")
            if not (self.directory / "ctl").exists():
                return False
            try:
                return bool(self.command("core.uptime"))
            except subprocess.CalledProcessError:
                return False

        try:
            wait_for(answers, "kamailio answers on its control socket", 15.0)
        except BaseException:
            process.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.stop()

    def _configuration(self) -> str:
        modules = re.findall(r"^loadmodule .*$", MODULES.read_text(), re.MULTILINE)
        lines = [
            "#!KAMAILIO",
            "debug=1",
            "log_stderror=yes",
            "children=1",
            "auto_aliases=no",
            f"listen=udp:{self.address}",
            *modules,
            f'modparam("ctl", "binrpc", "unix:{self.directory}/ctl")',
            f'modparam("dispatcher", "list_file", "{self.directory}/dispatcher.list")',
            f'modparam("app_python3", "load", "{self.directory}/script.py")',
            'modparam("htable", "htable", "table=>size=4;")',
            'modparam("mqueue", "mqueue", "name=queue")',
            'modparam("pv", "shvset", "number=i:7")',
            'request_route { if (is_method("OPTIONS")) { python_exec("run"); sl_send_reply("200", "OK"); } }',
        ]
        return "\n".join(lines) + "\n"
