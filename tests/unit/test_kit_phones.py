"""Real phones of the kit, calling each other without anything between them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.phones import CallState, Phone, PhoneError
from tests.kit.processes import wait_for
from tests.kit.sip import Endpoint, Transport
from tests.kit.tones import Sound

Pair = tuple[Phone, Phone]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with (
        Phone("ada", directory=tmp_path, tone=500) as ada,
        Phone("2001", directory=tmp_path, tone=700, answer_after=0.1) as agent,
    ):
        yield ada, agent


def test_phones_hear_each_others_tones_and_silence_after(pair: Pair) -> None:
    ada, agent = pair
    call = ada.call(agent.uri)
    call.wait_for(CallState.CONFIRMED)
    other = agent.expect_call()
    assert agent.hears(500)
    assert ada.hears(700)
    assert not ada.hears(500, within=0.3)
    call.hang_up()
    other.wait_for(CallState.DISCONNECTED)
    assert ada.hears_silence()
    history = ada.history([500, 700])
    assert history[0].sound is Sound.SILENCE
    assert any(heard.tones == {700} for heard in history)
    assert not any(500 in heard.tones for heard in history)


def test_hold_stops_the_tone_and_resume_brings_it_back(pair: Pair) -> None:
    ada, agent = pair
    call = ada.call(agent.uri)
    call.wait_for(CallState.CONFIRMED)
    assert ada.hears(700)
    call.hold()
    assert ada.hears_silence()
    call.resume()
    assert ada.hears(700)
    assert agent.hears(500)


def test_digits_arrive(pair: Pair) -> None:
    ada, agent = pair
    call = ada.call(agent.uri)
    call.wait_for(CallState.CONFIRMED)
    other = agent.expect_call()
    assert agent.hears(500)
    call.dial("42#")
    other.wait_for_digits("42#")


def test_phone_refuses_when_told(tmp_path: Path) -> None:
    with Phone("2001", directory=tmp_path) as agent, Endpoint("switch") as switch:
        call = switch.invite(agent.uri)
        agent.expect_call().answer(486)
        call.expect(486)


def test_phone_over_tcp_with_delayed_offer(tmp_path: Path) -> None:
    with (
        Phone("2001", directory=tmp_path, transport=Transport.TCP) as agent,
        Endpoint("switch", transport=Transport.TCP) as switch,
    ):
        call = switch.invite(agent.uri)
        call.expect(180)
        agent.expect_call().answer()
        offer = call.expect(200).sdp
        assert offer is not None
        assert offer.audio.port > 0
        call.ack(offer.as_audio())
        call.hang_up()


def test_command_that_cannot_be_done_is_told(tmp_path: Path) -> None:
    with Phone("2001", directory=tmp_path) as agent, pytest.raises(PhoneError, match="no call 3"):
        agent.command("hang_up", call=3)


def test_call_that_does_not_come_is_told_with_the_story(tmp_path: Path) -> None:
    with Phone("2001", directory=tmp_path) as agent, pytest.raises(PhoneError, match=r'(?s)no call within.*"ready"'):
        agent.expect_call(timeout=0.1)


def test_phone_that_died_is_told(tmp_path: Path) -> None:
    with Phone("2001", directory=tmp_path) as agent:
        os.kill(agent.pid, signal.SIGKILL)
        with pytest.raises(PhoneError, match="ended with -9"):
            agent.wait_until(lambda: False, "end")


def test_phone_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, sys\n"
        "from tests.kit.phones import Phone\n"
        f"phone = Phone('2001', directory=pathlib.Path({str(tmp_path)!r})).start()\n"
        "print(phone.pid, flush=True)\n"
        "os._exit(0)\n"
    )
    started = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True)
    wait_for(lambda: not Path(f"/proc/{started.stdout.strip()}").exists(), "the phone is gone", 10.0)
