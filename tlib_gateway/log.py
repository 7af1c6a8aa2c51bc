"""Log lines of the gateway: one a transition, ``key=value`` pairs, and the names that they use.

Keys: ``session``, ``peer``, ``application``, ``user``, ``dn``, ``mode``, ``state``, ``reason``, ``request``,
``reference_id``, ``error``, ``listen``, ``database``, ``clients``, ``dns``, ``users``, ``seconds``, and the counters of
``counters.Counters``. No password and no user data is ever a value.
"""

import logging

logger = logging.getLogger("tlib_gateway")


def info(event: str, **values: object) -> None:
    """Log a transition."""
    if logger.isEnabledFor(logging.INFO):
        logger.info(_line(event, values))


def warning(event: str, **values: object) -> None:
    """Log what an operator should look at."""
    logger.warning(_line(event, values))


def _line(event: str, values: dict[str, object]) -> str:
    return " ".join((event, *(f"{key}={quoted(str(value))}" for key, value in values.items())))


def quoted(text: str) -> str:
    """Quoted when it would not read as one word: values come from clients, and a line must stay one line."""
    if text and text.isprintable() and not any(character in text for character in ' "='):
        return text
    return '"' + text.encode("unicode_escape").decode("ascii").replace('"', '\\"') + '"'
