"""Tones in recorded audio: Goertzel's algorithm over 16-bit samples, and a WAV file that is still being written."""

from __future__ import annotations

import array
import enum
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

RATE = 8000
"""Samples a second of telephone audio."""
WINDOW = 0.1
"""Seconds that are judged at once; tones that are to be told apart must differ by 50 Hz or more."""
_QUIET = 200.0
_WAV_HEADER = 44


class Sound(enum.Enum):
    """What a window holds when it is none of the tones that were asked for."""

    SILENCE = "silence"
    OTHER = "other"


def loudness(samples: Sequence[int]) -> float:
    """The root mean square of the samples (0 … 32767)."""
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples)) if samples else 0.0


def share(samples: Sequence[int], frequency: float, rate: int = RATE) -> float:
    """The part of the energy of these samples that a tone of `frequency` Hz explains: 0.0 to about 1.0."""
    energy = sum(sample * sample for sample in samples)
    if not energy:
        return 0.0
    coefficient = 2.0 * math.cos(2.0 * math.pi * frequency / rate)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + coefficient * last - before
    power = last * last + before * before - coefficient * last * before
    return 2.0 * power / (len(samples) * energy)


def has_tone(samples: Sequence[int], frequency: float, rate: int = RATE) -> bool:
    """True when the tone is there, alone or mixed with a few others (a conference)."""
    return loudness(samples) > _QUIET and share(samples, frequency, rate) > 0.15


def is_silent(samples: Sequence[int]) -> bool:
    """True when nothing can be heard."""
    return loudness(samples) <= _QUIET


def sine(frequency: float, seconds: float, rate: int = RATE, amplitude: int = 12000) -> list[int]:
    """Samples of a tone."""
    step = 2.0 * math.pi * frequency / rate
    return [round(amplitude * math.sin(step * position)) for position in range(int(seconds * rate))]


@dataclass(frozen=True, slots=True)
class Heard:
    """One window of a recording: when it began (seconds from the beginning of the recording), and what was in it."""

    at: float
    tones: frozenset[int]
    sound: Sound | None
    """None when there was a tone that was asked for."""


class Recording:
    """A mono 16-bit WAV file, possibly growing: its header is not looked at, because it is written last."""

    def __init__(self, path: Path, rate: int = RATE) -> None:
        self.path = path
        self.rate = rate

    @property
    def seconds(self) -> float:
        """How much has been written."""
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return 0.0
        return max(0, size - _WAV_HEADER) // 2 / self.rate

    def samples(self, start: float = 0.0, end: float | None = None) -> list[int]:
        """The samples between two moments, in seconds from the beginning."""
        first = max(0, int(start * self.rate))
        with self.path.open("rb") as file:
            file.seek(_WAV_HEADER + 2 * first)
            data = file.read() if end is None else file.read(2 * max(0, int(end * self.rate) - first))
        samples = array.array("h", data[: len(data) // 2 * 2])
        if sys.byteorder == "big":
            samples.byteswap()
        return list(samples)

    def windows(self, start: float, end: float | None = None) -> Iterable[tuple[float, list[int]]]:
        """Whole windows between two moments, each with the second at which it begins."""
        samples = self.samples(start, end)
        size = int(WINDOW * self.rate)
        for position in range(0, len(samples) - size + 1, size):
            yield start + position / self.rate, samples[position : position + size]

    def history(self, tones: Iterable[int], start: float = 0.0, end: float | None = None) -> list[Heard]:
        """What was heard in every window."""
        wanted = list(tones)
        heard: list[Heard] = []
        for at, window in self.windows(start, end):
            found = frozenset(tone for tone in wanted if has_tone(window, tone, self.rate))
            sound = None if found else Sound.SILENCE if is_silent(window) else Sound.OTHER
            heard.append(Heard(at, found, sound))
        return heard
