"""Saying a thing now and then instead of a thousand times."""


class Occasion:
    """Is due at once, and then at most once in ``interval`` seconds."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._next: float | None = None

    def due(self, now: float) -> bool:
        """Whether it is time; ``now`` is monotonic. Asking uses the occasion up."""
        if self._next is not None and now < self._next:
            return False
        self._next = now + self._interval
        return True
