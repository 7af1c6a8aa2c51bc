"""Real telephones for tests and demo: PJSIP, one process each, recognised by the tone that they send.

with Phone("2001", directory=tmp_path, tone=700, answer_after=0.2) as agent:
    with Phone("ada", directory=tmp_path, tone=500) as ada:
        call = ada.call(agent.uri)
        call.wait_for(CallState.CONFIRMED)
        assert agent.hears(500) and ada.hears(700)
        call.hang_up()
"""

from __future__ import annotations

import contextlib
import enum
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from tests.kit.sip import PATIENCE, Address, Transport
from tests.kit.tones import WINDOW, Heard, Recording, has_tone, is_silent

Event = Mapping[str, object]
_WHOLE_TREE = Path(__file__).parent.parent.parent


class CallState(enum.Enum):
    """The states of a call at a phone, as PJSIP numbers them."""

    CALLING = 1
    INCOMING = 2
    EARLY = 3
    CONNECTING = 4
    CONFIRMED = 5
    DISCONNECTED = 6


class PhoneError(AssertionError):
    """A phone did not do what it was told, or not in time; the text holds what happened at it."""


@dataclass(eq=False, slots=True)
class PhoneCall:
    """One call at a phone; `states` are the states it has been in, in order."""

    phone: Phone
    number: int
    remote: str = ""
    local: str = ""
    call_id: str = ""
    states: list[CallState] = field(default_factory=list)
    status: int = 0
    """The last SIP status; the final one when the call is over."""
    digits: str = ""
    """DTMF digits that came in."""
    media_changes: int = 0

    def wait_for(self, state: CallState, timeout: float = PATIENCE) -> None:
        """Wait until the call has been in a state."""
        self.phone.wait_until(lambda: state in self.states, f"call {self.number} {state.name}", timeout)

    def wait_for_digits(self, digits: str, timeout: float = PATIENCE) -> None:
        """Wait until these digits have come."""
        self.phone.wait_until(lambda: digits in self.digits, f"digits {digits}, came {self.digits!r}", timeout)

    def wait_for_media(self, changes: int, timeout: float = PATIENCE) -> None:
        """Wait until the media have been set up or changed so many times."""
        self.phone.wait_until(lambda: self.media_changes >= changes, f"{changes} media changes", timeout)

    @property
    def is_over(self) -> bool:
        """True when it was released."""
        return CallState.DISCONNECTED in self.states

    def answer(self, status: int = 200) -> None:
        """Answer, or refuse with a status of 300 or above."""
        self.phone.command("answer", call=self.number, status=status)

    def hang_up(self, timeout: float = PATIENCE) -> None:
        """Release, and wait until it is over."""
        if not self.is_over:
            self.phone.command("hang_up", call=self.number)
        self.wait_for(CallState.DISCONNECTED, timeout)

    def hold(self) -> None:
        """Hold, and wait until it is done."""
        self._changing_media("hold")

    def resume(self) -> None:
        """Take back from hold, and wait until it is done."""
        self._changing_media("resume")

    def ask_for_offer(self) -> None:
        """Re-INVITE without SDP, and wait until it is done."""
        self._changing_media("ask_for_offer")

    def transfer(self, uri: str) -> None:
        """REFER the peer."""
        self.phone.command("transfer", call=self.number, uri=uri)

    def dial(self, digits: str) -> None:
        """Send DTMF in RTP."""
        self.phone.command("dtmf", call=self.number, digits=digits)

    def _changing_media(self, command: str) -> None:
        before = self.media_changes
        self.phone.command(command, call=self.number)
        self.wait_for_media(before + 1)


class Phone:
    """A telephone in a process of its own. A context manager: the process runs inside, and is gone after.

    `tone` is the frequency in Hz that it sends into every call (None: silence). `answer_after` answers calls by itself
    after so many seconds. `registrar` registers it there (the stand-in of CUCM); its calls then go to numbers there.
    """

    def __init__(
        self,
        name: str,
        *,
        directory: Path,
        tone: int | None = None,
        answer_after: float | None = None,
        rings: bool = True,
        registrar: Address | None = None,
        address: str = "127.0.0.1",
        transport: Transport = Transport.UDP,
    ) -> None:
        self.name = name
        self.tone = tone
        self.registrar = registrar
        self.transport = transport
        self.calls: dict[int, PhoneCall] = {}
        self.history_of_calls: list[PhoneCall] = []
        self.registered = False
        self.local = Address(address, 0)
        self._directory = directory
        self._settings = {
            "name": name,
            "tone": tone,
            "answer_after": answer_after,
            "rings": rings,
            "registrar": None if registrar is None else str(registrar),
            "address": address,
            "transport": transport.value,
            "rtp_port": 0,
        }
        self._events: list[Event] = []
        self._changed = threading.Condition()
        self._answers: dict[int, Event] = {}
        self._next_command = 0
        self._incoming: queue.SimpleQueue[PhoneCall] = queue.SimpleQueue()
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._started = 0.0
        self.recording = Recording(directory / "never started.wav")

    # -- life

    def start(self, timeout: float = 15.0) -> Phone:
        """Start the process and wait until it is ready (and registered, if it is to be)."""
        folder = _new_folder(self._directory, self.name)
        recording = folder / "heard.wav"
        self.recording = Recording(recording)
        with (folder / "errors.txt").open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.kit.phone_process"],
                cwd=_WHOLE_TREE,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        self._write({**self._settings, "recording": str(recording)})
        self._reader = threading.Thread(target=self._read_events, name=f"phone {self.name}", daemon=True)
        self._reader.start()
        try:
            self.wait_until(lambda: self._started > 0, "start", timeout)
            if self.registrar is not None:
                self.wait_until(lambda: self.registered, "registration", timeout)
        except PhoneError:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Hang up everything and end the process."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(5.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._reader is not None:
            self._reader.join(2.0)
        if process.stdout is not None:
            process.stdout.close()

    def __enter__(self) -> Phone:
        return self.start() if self._process is None else self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def uri(self) -> str:
        """Where the phone itself can be called, without a registrar."""
        suffix = "" if self.transport is Transport.UDP else ";transport=tcp"
        return f"sip:{self.name}@{self.local}{suffix}"

    # -- calls

    def call(self, target: str, headers: Sequence[tuple[str, str]] = ()) -> PhoneCall:
        """Call a URI, or a number at the registrar."""
        if not target.startswith("sip:"):
            assert self.registrar is not None, "a number can be dialled at a registrar only"
            suffix = "" if self.transport is Transport.UDP else ";transport=tcp"
            target = f"sip:{target}@{self.registrar}{suffix}"
        number = self.command("call", uri=target, headers=list(headers))
        assert isinstance(number, int)
        return self._call(number)

    def expect_call(self, timeout: float = PATIENCE) -> PhoneCall:
        """The next incoming call."""
        try:
            return self._incoming.get(timeout=timeout)
        except queue.Empty:
            raise PhoneError(f"phone {self.name}: no call within {timeout} s\n{self.story()}") from None

    def answer_after(self, seconds: float | None) -> None:
        """From now on answer calls by itself after so many seconds, or not."""
        self.command("answer_after", seconds=seconds)

    # -- hearing

    def hears(self, frequency: int, within: float = PATIENCE, lasting: float = 0.3) -> bool:
        """True as soon as the tone is heard for `lasting` seconds without a break; only audio from now on counts."""
        windows = 0
        for _, window in self._listen(within):
            windows = windows + 1 if has_tone(window, frequency) else 0
            if windows * WINDOW >= lasting - 1e-6:
                return True
        return False

    def hears_silence(self, within: float = PATIENCE, lasting: float = 0.5) -> bool:
        """True as soon as nothing is heard for `lasting` seconds without a break; only audio from now on counts."""
        windows = 0
        for _, window in self._listen(within):
            windows = windows + 1 if is_silent(window) else 0
            if windows * WINDOW >= lasting - 1e-6:
                return True
        return False

    def history(self, tones: Iterable[int], since: float = 0.0) -> list[Heard]:
        """What was heard in every window since a moment of `now()`."""
        return self.recording.history(tones, since)

    def now(self) -> float:
        """The present as a position in the recording, in seconds."""
        return time.monotonic() - self._started

    def _listen(self, within: float) -> Iterable[tuple[float, list[int]]]:
        position = self.now()
        deadline = time.monotonic() + within
        # The recorder writes about four times a second; the last words of the time given count as well.
        while time.monotonic() < deadline + 0.6:
            if self.recording.seconds >= position + WINDOW:
                for at, window in self.recording.windows(position):
                    yield at, window
                    position = at + WINDOW
            else:
                with self._changed:  # a file cannot be waited for; an event of the phone ends the pause early
                    self._changed.wait(0.05)
            self._raise_if_dead()

    # -- the process

    def command(self, do: str, timeout: float = PATIENCE, **arguments: object) -> object:
        """Give a command and wait for its result. Raises PhoneError with PJSIP's reason if it was refused."""
        with self._changed:
            self._next_command += 1
            number = self._next_command
        self._write({"id": number, "do": do, **arguments})
        self.wait_until(lambda: number in self._answers, f"answer to {do}", timeout)
        answer = self._answers.pop(number)
        if "error" in answer:
            raise PhoneError(f"phone {self.name}: {do}: {answer['error']}\n{self.story()}")
        return answer["result"]

    def wait_until(self, condition: object, what: str, timeout: float = PATIENCE) -> None:
        """Wait until a condition of what the phone told holds; it is asked after every event."""
        assert callable(condition)
        deadline = time.monotonic() + timeout
        with self._changed:
            while not condition():
                self._raise_if_dead()
                left = deadline - time.monotonic()
                if left <= 0:
                    raise PhoneError(f"phone {self.name}: no {what} within {timeout} s\n{self.story()}")
                self._changed.wait(min(left, 0.5))

    def story(self) -> str:
        """What happened at the phone, for error messages."""
        errors = self.recording.path.parent / "errors.txt"
        text = errors.read_text(errors="replace")[-2000:] if errors.exists() else ""
        lines = "\n".join(f"  {json.dumps(event)}" for event in self._events)
        return f"--- phone {self.name} ---\n{lines}\n{text}"

    def _raise_if_dead(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            raise PhoneError(f"phone {self.name} ended with {self._process.returncode}\n{self.story()}")

    def _write(self, command: Mapping[str, object]) -> None:
        assert self._process is not None, "not started"
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise PhoneError(f"phone {self.name} is gone\n{self.story()}") from error

    def _read_events(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event: Event = json.loads(line)
            with self._changed:
                self._events.append(event)
                self._take(event)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def _take(self, event: Event) -> None:
        kind = event.get("event")
        if kind is None:
            number = event["id"]
            assert isinstance(number, int)
            self._answers[number] = event
        elif kind == "ready":
            host, _, port = str(event["local"]).rpartition(":")
            self.local = Address(host, int(port))
            self._started = float(str(event["started"]))
        elif kind == "registration":
            self.registered = event["code"] == 200 and event["expires"] != 0
        else:
            number = event["call"]
            assert isinstance(number, int)
            self._take_call_event(str(kind), event, number)

    def _take_call_event(self, kind: str, event: Event, number: int) -> None:
        call = self._call(number)
        if call.is_over:  # PJSIP gives the numbers of calls that are over to new ones
            call = self._new_call(number)
        if kind == "incoming":
            call.remote = str(event["remote"])
            call.local = str(event["local"])
            call.call_id = str(event["call_id"])
            self._incoming.put(call)
        elif kind == "state":
            call.states.append(CallState(event["state"]))
            call.status = int(str(event["code"]))
            call.remote = str(event["remote"])
            call.call_id = str(event["call_id"])
        elif kind == "media":
            call.media_changes += 1
        elif kind == "dtmf":
            call.digits += str(event["digit"])

    def _call(self, number: int) -> PhoneCall:
        with self._changed:
            return self.calls.get(number) or self._new_call(number)

    def _new_call(self, number: int) -> PhoneCall:
        call = self.calls[number] = PhoneCall(self, number)
        self.history_of_calls.append(call)
        return call


def _new_folder(directory: Path, name: str) -> Path:
    number = 0
    while True:
        folder = directory / f"phone-{name}-{number}"
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            number += 1
