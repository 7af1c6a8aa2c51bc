"""The typed door to Kamailio: the only module that imports ``KSR``.

``KSR`` reports a wrong argument type as ``SystemError`` and cannot take NUL, lone surrogates or integers over
32 bits, so what goes out is cleaned here.
"""

import KSR

_UNSAFE = {0: None}


def clean(text: str) -> str:
    """``text`` without what Kamailio's strings cannot hold: NUL is dropped, a lone surrogate becomes ``?``."""
    if text.isascii():
        return text.translate(_UNSAFE) if "\0" in text else text
    return text.translate(_UNSAFE).encode("utf-8", "replace").decode("utf-8")


def variable(name: str) -> str:
    """Value of a pseudo-variable of the current message, as text; empty when it is null."""
    value = KSR.pv.get(name)
    return "" if value is None else str(value)


def set_text(name: str, value: str) -> None:
    KSR.pv.sets(name, clean(value))


class Table:
    """One ``htable`` in shared memory; values are text."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def get(self, key: str) -> str | None:
        value = KSR.htable.sht_get(self.name, clean(key))
        return None if value is None else str(value)

    def set(self, key: str, value: str) -> None:
        KSR.htable.sht_sets(self.name, clean(key), clean(value))

    def delete(self, key: str) -> None:
        KSR.htable.sht_rm(self.name, clean(key))


class MessageQueue:
    """One ``mqueue`` in shared memory: first in, first out, between processes."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def put(self, key: str, body: str) -> None:
        KSR.mqueue.mq_add(self.name, key, clean(body))

    def get(self) -> tuple[str, str] | None:
        """The oldest entry, taken out; ``None`` when the queue is empty."""
        if KSR.mqueue.mq_fetch(self.name) < 1:
            return None
        return str(KSR.mqueue.mqk_get(self.name)), str(KSR.mqueue.mqv_get(self.name))


class Shared:
    """Kamailio's shared variables (``$shv``): single values that every process sees."""

    def get(self, name: str) -> int | str | None:
        value: int | str | None = KSR.pv.get(f"$shv({name})")
        return value

    def set(self, name: str, value: int | str) -> None:
        if isinstance(value, int):
            KSR.pv.seti(f"$shv({name})", value)
        else:
            KSR.pv.sets(f"$shv({name})", clean(value))


def reload_dispatcher() -> bool:
    """Makes ``dispatcher`` read its list again; False when it refused it and keeps the old one."""
    return bool(KSR.dispatcher.ds_reload() > 0)


def send_to_switch(port: int, text: str) -> None:
    """A datagram to a loopback port of this Kamailio. It may be lost, as any."""
    KSR.corex.send_data(f"sip:127.0.0.1:{port}", clean(text))


class Log:
    """Kamailio's own log, so that one stream tells the whole story. One line a call."""

    def debug(self, text: str) -> None:
        KSR.dbg(clean(text) + "\n")

    def info(self, text: str) -> None:
        KSR.info(clean(text) + "\n")

    def warning(self, text: str) -> None:
        KSR.warn(clean(text) + "\n")

    def error(self, text: str) -> None:
        KSR.err(clean(text) + "\n")
