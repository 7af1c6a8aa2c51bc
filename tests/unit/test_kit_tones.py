"""Tones are found in samples, told apart, and found in noise and mixtures."""

from __future__ import annotations

import array
from pathlib import Path

import pytest

from tests.kit.tones import RATE, Recording, Sound, has_tone, is_silent, share, sine


def mixed(*tones: list[int]) -> list[int]:
    return [sum(samples) for samples in zip(*tones, strict=True)]


@pytest.mark.parametrize("frequency", [300, 440, 700, 1000, 3000])
def test_tone_is_found_and_its_neighbours_are_not(frequency: int) -> None:
    samples = sine(frequency, 0.1)
    assert has_tone(samples, frequency)
    assert share(samples, frequency) == pytest.approx(1.0, abs=0.05)
    assert not any(has_tone(samples, other) for other in (frequency - 60, frequency + 60, frequency * 2))


def test_tones_of_a_conference_are_all_found() -> None:
    samples = mixed(*(sine(tone, 0.1, amplitude=6000) for tone in (400, 700, 1100)))
    assert [tone for tone in (400, 500, 700, 900, 1100) if has_tone(samples, tone)] == [400, 700, 1100]


def test_silence_and_soft_noise_are_silent() -> None:
    assert is_silent([0] * 800)
    assert is_silent([50 if position % 2 else -50 for position in range(800)])
    assert not has_tone(sine(700, 0.1, amplitude=100), 700)


def test_growing_recording_is_read_as_a_history(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    recording = Recording(path)
    assert recording.seconds == 0.0
    samples = [0] * RATE + sine(700, 1.0) + sine(555, 1.0)
    path.write_bytes(bytes(44) + array.array("h", samples).tobytes() + b"\x01")
    assert recording.seconds == 3.0
    history = recording.history([700, 400])
    assert len(history) == 30
    assert {heard.sound for heard in history[:10]} == {Sound.SILENCE}
    assert {heard.tones for heard in history[10:20]} == {frozenset({700})}
    assert {heard.sound for heard in history[20:]} == {Sound.OTHER}
    assert len(recording.history([700], start=1.0, end=2.0)) == 10
