"""Passwords at rest."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlib.passwords import MalformedHash, hash_password, is_password_hash, verify_password

# A vector of RFC 7914 §12: password "pleaseletmein", salt "SodiumChloride", n 16384, r 8, p 1, 64 bytes.
RFC_7914 = (
    "scrypt$16384$8$1$U29kaXVtQ2hsb3JpZGU=$"
    "cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw=="
)


def test_a_password_fits_its_hash_and_no_other() -> None:
    stored = hash_password("Blåbær 1")
    assert re.fullmatch(r"scrypt\$16384\$8\$1\$[0-9A-Za-z+/]{22}==\$[0-9A-Za-z+/]{43}=", stored)
    assert verify_password("Blåbær 1", stored)
    assert not verify_password("Blåbær 2", stored)
    assert not verify_password("", stored)


def test_two_hashes_of_a_password_differ() -> None:
    assert hash_password("x") != hash_password("x")


def test_two_spellings_of_a_letter_are_one_password() -> None:
    assert verify_password("a\N{COMBINING RING ABOVE}", hash_password("\N{LATIN SMALL LETTER A WITH RING ABOVE}"))


@pytest.mark.parametrize(("text", "right"), [("pleaseletmein", True), ("pleaseletmeout", False)])
def test_it_is_the_scrypt_of_the_rfc(text: str, right: bool) -> None:
    assert verify_password(text, RFC_7914) is right


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        ("", "reads scrypt"),
        ("secret", "reads scrypt"),
        (RFC_7914.replace("scrypt", "bcrypt"), "reads scrypt"),
        (RFC_7914 + "$", "reads scrypt"),
        (RFC_7914.replace("$8$", "$-8$"), "reads scrypt"),
        (RFC_7914.replace("$8$", "$\N{ARABIC-INDIC DIGIT EIGHT}$"), "reads scrypt"),
        (RFC_7914.replace("16384", "16385"), "out of range"),
        (RFC_7914.replace("16384", "1"), "out of range"),
        (RFC_7914.replace("$8$", "$0$"), "out of range"),
        (RFC_7914.replace("16384", "4294967296"), "reads scrypt"),
        (RFC_7914.replace("16384", "16777216"), "out of range"),
        (RFC_7914.replace("U29k", "U2*k"), "reads scrypt"),
        (RFC_7914.replace("GU=", "GU"), "base64"),
        (RFC_7914.replace("U29kaXVtQ2hsb3JpZGU=", "U29k"), "reads scrypt"),
    ],
)
def test_a_malformed_hash_is_an_error_and_not_a_wrong_password(stored: str, reason: str) -> None:
    assert not is_password_hash(stored)
    with pytest.raises(MalformedHash, match=reason):
        verify_password("x", stored)


@given(st.text(max_size=30).map(lambda text: "scrypt$2$1$1$" + text))
@settings(max_examples=50)
def test_a_hash_is_well_formed_exactly_when_it_can_be_checked(stored: str) -> None:
    if is_password_hash(stored):
        verify_password("x", stored)
    else:
        with pytest.raises(MalformedHash):
            verify_password("x", stored)
