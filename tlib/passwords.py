"""Passwords at rest: scrypt (RFC 7914), as ``scrypt$n$r$p$salt$hash`` with salt and hash in base64."""

import base64
import hashlib
import hmac
import re
import secrets
import unicodedata

_N, _R, _P = 2**14, 8, 1
"""Cost, block size and parallelism for new hashes: 16 MiB, some 50 ms. A stored hash names its own."""

# The database's domain password_hash has the same form.
_FORM = re.compile(
    r"scrypt\$([0-9]{1,8})\$([0-9]{1,4})\$([0-9]{1,4})\$([0-9A-Za-z+/]{16,}={0,2})\$([0-9A-Za-z+/]{16,}={0,2})"
)
_SALT_BYTES = 16
_HASH_BYTES = 32
_MEMORY_LIMIT = 2**28


class MalformedHash(ValueError):
    """A stored hash does not have the form that `hash_password` gives."""


def hash_password(text: str) -> str:
    """The form of a password that is stored; different at each call, because the salt is random."""
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = _scrypt(text, salt, _N, _R, _P, _HASH_BYTES)
    return "$".join(["scrypt", str(_N), str(_R), str(_P), _encode(salt), _encode(digest)])


def verify_password(text: str, hash: str) -> bool:
    """Whether ``text`` is the password that ``hash`` was made of; the time taken does not tell how nearly.

    Takes as long as making the hash: an event loop does it in a thread. Raises `MalformedHash`.
    """
    n, r, p, salt, digest = _parse(hash)
    return hmac.compare_digest(_scrypt(text, salt, n, r, p, len(digest)), digest)


def is_password_hash(text: str) -> bool:
    """Whether `verify_password` could check a password against ``text``."""
    try:
        _parse(text)
    except MalformedHash:
        return False
    return True


def _parse(hash: str) -> tuple[int, int, int, bytes, bytes]:
    form = _FORM.fullmatch(hash)
    if form is None:
        raise MalformedHash("a password hash reads scrypt$n$r$p$salt$hash")
    n, r, p = (int(number) for number in form.groups()[:3])
    if n < 2 or n & (n - 1) or r < 1 or p < 1 or _memory(n, r, p) > _MEMORY_LIMIT:
        raise MalformedHash("a password hash has n, r or p out of range")
    try:
        salt, digest = (base64.b64decode(field, validate=True) for field in form.groups()[3:])
    except ValueError:
        raise MalformedHash("salt and hash of a password hash are base64") from None
    return n, r, p, salt, digest


def _scrypt(text: str, salt: bytes, n: int, r: int, p: int, length: int) -> bytes:
    # One password has several spellings in Unicode; keyboards differ in which they send (RFC 8265 §4.2).
    password = unicodedata.normalize("NFC", text).encode(errors="surrogatepass")
    memory = _memory(n, r, p) + 2**20
    return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=length)


def _memory(n: int, r: int, p: int) -> int:
    return 128 * r * (n + p)


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()
