"""A telephone in a process of its own: PJSIP without a sound card, told what to do by JSON lines.

Started by `tests.kit.phones`. Standard input carries one command a line (`{"id": 1, "do": "call", …}`), standard output
one event a line; an answer to a command has its `id`. The phone sends a tone into every call, and records what it
hears without a gap, so that a position in the recording is a moment in time. It ends when standard input is closed, so
that it never outlives the process that started it.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from typing import Any

import pjsua2 as pj  # type: ignore[import-untyped]

_POLL_MS = 10
_UNHOLD = 1  # PJSUA_CALL_UNHOLD
_REINVITE_ASKS_FOR_OFFER = 2048  # PJSUA_CALL_NO_SDP_OFFER
_AUDIBLE = (pj.PJSUA_CALL_MEDIA_ACTIVE, pj.PJSUA_CALL_MEDIA_REMOTE_HOLD)
_KEPT_CODECS = ("PCMU", "PCMA")

Command = Mapping[str, Any]


def tell(**event: object) -> None:
    """Write one event."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


class _Call(pj.Call):  # type: ignore[misc]
    """One call; PJSIP's callbacks become events."""

    def __init__(self, phone: Telephone, call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(phone.account, call_id)
        self.phone = phone
        self.answer_at: float | None = None

    def onCallState(self, parameter: object) -> None:
        """The call went on, or ended."""
        info = self.getInfo()
        tell(
            event="state", call=info.id, state=int(info.state), code=info.lastStatusCode, reason=info.lastReason,
            remote=info.remoteUri, call_id=info.callIdString,
        )  # fmt: skip
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.phone.over.append(info.id)

    def onCallMediaState(self, parameter: object) -> None:
        """Media starts, stops, is held: connect tone and recorder to what is active."""
        info = self.getInfo()  # its media live only as long as it does
        states = []
        for number in range(len(info.media)):
            media = info.media[number]
            states.append(int(media.status))
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status in _AUDIBLE:
                self.phone.connect(self.getAudioMedia(number))
        tell(event="media", call=info.id, states=states)

    def onDtmfDigit(self, parameter: Any) -> None:
        """A digit came in RTP (RFC 4733)."""
        tell(event="dtmf", call=self.getId(), digit=parameter.digit)


class _Account(pj.Account):  # type: ignore[misc]
    """The phone's line."""

    def __init__(self, phone: Telephone) -> None:
        super().__init__()
        self.phone = phone

    def onRegState(self, parameter: Any) -> None:
        """The registrar answered."""
        tell(event="registration", code=parameter.code, expires=parameter.expiration)

    def onIncomingCall(self, parameter: Any) -> None:
        """Somebody calls."""
        self.phone.incoming(parameter.callId)


class Telephone:
    """The phone: PJSIP's objects, and the commands by name."""

    def __init__(self, settings: Command) -> None:
        self.endpoint = pj.Endpoint()
        self.endpoint.libCreate()
        self.endpoint.libInit(_library_settings())
        self.endpoint.audDevManager().setNullDev()
        transport = pj.TransportConfig()
        transport.port = 0
        transport.boundAddress = settings["address"]
        kind = pj.PJSIP_TRANSPORT_TCP if settings["transport"] == "tcp" else pj.PJSIP_TRANSPORT_UDP
        transport_id = self.endpoint.transportCreate(kind, transport)
        self.endpoint.libStart()
        for codec in self.endpoint.codecEnum2():
            if not codec.codecId.startswith(_KEPT_CODECS):
                self.endpoint.codecSetPriority(codec.codecId, 0)
        self.local = self.endpoint.transportGetInfo(transport_id).localName
        self.calls: dict[int, _Call] = {}
        self.over: list[int] = []
        self.answer_after: float | None = settings["answer_after"]
        self.rings = bool(settings["rings"])
        self._tone = _tone(settings["tone"])
        self._recorder = pj.AudioMediaRecorder()
        self._recorder.createRecorder(settings["recording"])
        # The null device is silent and never stops: it keeps the recording in step with time when nobody speaks.
        self.endpoint.audDevManager().getCaptureDevMedia().startTransmit(self._recorder)
        self.started = time.monotonic()
        self.account = _Account(self)
        self.account.create(_account_settings(settings, self.local, transport_id))

    # -- what PJSIP calls

    def connect(self, audio: Any) -> None:
        """Our tone into the call, the call into the recorder."""
        if self._tone is not None:
            self._tone.startTransmit(audio)
        audio.startTransmit(self._recorder)

    def incoming(self, call_id: int) -> None:
        """Ring, and answer later if told so."""
        call = _Call(self, call_id)
        self.calls[call_id] = call
        info = call.getInfo()
        tell(event="incoming", call=call_id, remote=info.remoteUri, local=info.localUri, call_id=info.callIdString)
        if self.rings:
            call.answer(_operation(180))
        if self.answer_after is not None:
            call.answer_at = time.monotonic() + self.answer_after

    # -- commands

    def do_call(self, command: Command) -> object:
        """Call a URI."""
        call = _Call(self)
        operation = pj.CallOpParam(True)
        for name, value in command.get("headers", []):
            header = pj.SipHeader()
            header.hName, header.hValue = name, value
            operation.txOption.headers.append(header)
        call.makeCall(command["uri"], operation)
        self.calls[call.getId()] = call
        return call.getId()

    def do_answer(self, command: Command) -> object:
        """Answer with a status (200, 486 …)."""
        self._call(command).answer(_operation(command["status"]))
        return None

    def do_hang_up(self, command: Command) -> object:
        """BYE, CANCEL, or a refusal, as the state asks for."""
        self._call(command).hangup(_operation(command.get("status", 0)))
        return None

    def do_hold(self, command: Command) -> object:
        """Hold the call."""
        self._call(command).setHold(pj.CallOpParam(True))
        return None

    def do_resume(self, command: Command) -> object:
        """Take the call back from hold."""
        operation = pj.CallOpParam(True)
        operation.opt.flag = _UNHOLD
        self._call(command).reinvite(operation)
        return None

    def do_ask_for_offer(self, command: Command) -> object:
        """A re-INVITE without SDP."""
        operation = pj.CallOpParam(True)
        operation.opt.flag = _REINVITE_ASKS_FOR_OFFER
        self._call(command).reinvite(operation)
        return None

    def do_transfer(self, command: Command) -> object:
        """REFER the peer to another URI."""
        self._call(command).xfer(command["uri"], pj.CallOpParam(True))
        return None

    def do_dtmf(self, command: Command) -> object:
        """Send digits in RTP (RFC 4733)."""
        self._call(command).dialDtmf(command["digits"])
        return None

    def do_answer_after(self, command: Command) -> object:
        """From now on answer calls after so many seconds, or not by itself (null)."""
        self.answer_after = command["seconds"]
        return None

    def do_register(self, command: Command) -> object:
        """Register (true) or unregister (false)."""
        self.account.setRegistration(command["on"])
        return None

    def _call(self, command: Command) -> _Call:
        call = self.calls.get(command["call"])
        if call is None:
            raise ValueError(f"no call {command['call']}")
        return call

    # -- the loop

    def run(self, commands: queue.Queue[Command | None]) -> None:
        """Serve PJSIP and commands until None comes."""
        while True:
            self.endpoint.libHandleEvents(_POLL_MS)
            now = time.monotonic()
            for call in list(self.calls.values()):
                if call.answer_at is not None and now >= call.answer_at:
                    call.answer_at = None
                    if call.isActive():
                        call.answer(_operation(200))
            for call_id in self.over:
                self.calls.pop(call_id, None)
            self.over.clear()
            while not commands.empty():
                command = commands.get()
                if command is None:
                    return
                self._obey(command)

    def _obey(self, command: Command) -> None:
        try:
            result = getattr(self, f"do_{command['do']}")(command)
        except Exception as error:  # the test that gave the command is to see it
            text = error.info() if isinstance(error, pj.Error) else repr(error)
            tell(id=command.get("id"), error=text)
        else:
            tell(id=command.get("id"), result=result)

    def close(self) -> None:
        """Hang up, unregister, and let it go out."""
        self.endpoint.hangupAllCalls()
        deadline = time.monotonic() + 0.3
        while time.monotonic() < deadline:
            self.endpoint.libHandleEvents(_POLL_MS)


def _library_settings() -> Any:
    settings = pj.EpConfig()
    # Callbacks come in the thread that polls: Python code never runs in a thread of PJSIP.
    settings.uaConfig.threadCnt = 0
    settings.uaConfig.mainThreadOnly = True
    settings.uaConfig.userAgent = "kit phone"
    settings.logConfig.level = 0
    settings.logConfig.consoleLevel = 0
    settings.medConfig.clockRate = 8000
    settings.medConfig.sndClockRate = 8000
    settings.medConfig.ecTailLen = 0
    settings.medConfig.noVad = True
    return settings


def _account_settings(settings: Command, local: str, transport_id: int) -> Any:
    account = pj.AccountConfig()
    registrar = settings["registrar"]
    host = registrar or local
    suffix = ";transport=tcp" if settings["transport"] == "tcp" else ""
    account.idUri = f"sip:{settings['name']}@{host}"
    if registrar is not None:
        account.regConfig.registrarUri = f"sip:{registrar}{suffix}"
        account.regConfig.timeoutSec = 300
    account.sipConfig.transportId = transport_id
    account.callConfig.timerUse = pj.PJSUA_SIP_TIMER_OPTIONAL
    account.callConfig.prackUse = pj.PJSUA_100REL_NOT_USED
    account.mediaConfig.transportConfig.boundAddress = settings["address"]
    account.mediaConfig.transportConfig.port = settings["rtp_port"]
    # It would follow every answer with an UPDATE that narrows it to one codec; hard phones do not.
    account.mediaConfig.lockCodecEnabled = False
    account.natConfig.contactRewriteUse = 0
    account.natConfig.viaRewriteUse = 0
    account.natConfig.sdpNatRewriteUse = 0
    account.natConfig.udpKaIntervalSec = 0
    return account


def _operation(status: int) -> Any:
    operation = pj.CallOpParam()
    operation.statusCode = status
    return operation


def _tone(frequency: int | None) -> Any:
    if frequency is None:
        return None
    generator = pj.ToneGenerator()
    generator.createToneGenerator(8000, 1)
    tone = pj.ToneDesc()
    tone.freq1, tone.freq2, tone.on_msec, tone.off_msec = frequency, 0, 1000, 0
    tones = pj.ToneDescVector()
    tones.append(tone)
    generator.play(tones, True)
    return generator


def _read_commands(commands: queue.Queue[Command | None]) -> None:
    for line in sys.stdin:
        commands.put(json.loads(line))
    commands.put(None)
    # Standard input is closed: whoever started us is gone, or wants us gone. PJSIP may hang; this does not.
    time.sleep(3.0)
    os._exit(1)


def main() -> None:
    """The process: settings in the first line of standard input, then commands."""
    # PJSIP writes to standard output on its own; events need it alone.
    events = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.stdout = events
    settings: Command = json.loads(sys.stdin.readline())
    commands: queue.Queue[Command | None] = queue.Queue()
    try:
        phone = Telephone(settings)
        tell(event="ready", local=phone.local, started=phone.started)
        threading.Thread(target=_read_commands, args=(commands,), daemon=True).start()
        phone.run(commands)
        phone.close()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    # Destructors of PJSIP's Python objects run in no order that its library can stand.
    os._exit(0)


if __name__ == "__main__":
    main()
