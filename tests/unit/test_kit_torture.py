"""The torture corpus: whole, filled in without a rest, and survived by a plain Kamailio, which judges the probe too."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.kit.ksr import BareKamailio
from tests.kit.sip import Address, Endpoint, Transport, parse
from tests.kit.torture import CORPUS, FRAMING, ODD, Case, Outcome, judge, probe

TARGET = Address("127.0.0.1", 5060)
LOCAL = Address("127.0.0.2", 5070)


@pytest.fixture(scope="module")
def kamailio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareKamailio]:
    script = (
        "class S:\n def child_init(self, rank): return 1\n def run(self, msg): return 1\ndef mod_init(): return S()\n"
    )
    with BareKamailio(tmp_path_factory.mktemp("kamailio"), script) as running:
        yield running


def test_corpus_is_large_and_its_names_are_unique() -> None:
    assert len(CORPUS) >= 100
    assert [name for name, times in Counter(case.name for case in CORPUS).items() if times > 1] == []
    assert len({case.section for case in CORPUS if case.section}) >= 35


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_every_place_is_filled_in(case: Case) -> None:
    data = case.render(TARGET, LOCAL, Transport.UDP)
    assert not re.search(rb"@[A-Z]+@", data)
    assert data != case.render(TARGET, LOCAL, Transport.UDP) or b"@ID@" not in case.template


@pytest.mark.parametrize(
    "case", [case for case in ODD if case.outcome is Outcome.PROCESSED], ids=lambda case: case.name
)
def test_valid_cases_can_be_read_by_the_kit(case: Case) -> None:
    message = parse(case.render(TARGET, LOCAL, Transport.UDP))
    assert message.call_id
    assert message.via.branch
    assert message.cseq.number >= 0


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_kamailio_lives_on(kamailio: BareKamailio, case: Case) -> None:
    assert probe(case, kamailio.address).alive


def test_probe_sees_answers_and_silence() -> None:
    plain, broken = ODD[0], FRAMING[0]
    with Endpoint("element") as element:
        assert probe(plain, element.local, timeout=1.0).status is None  # an INVITE that nobody answers finally
        options = next(case for case in ODD if case.name == "folded header lines")
        assert probe(options, element.local) == probe(options, element.local, transport=Transport.TCP)
        assert probe(options, element.local).status == 200
        element.deaf = True
        assert not probe(options, element.local, timeout=0.2).alive
        assert broken.outcome is Outcome.REFUSED_OR_SILENT


@pytest.mark.parametrize(
    ("outcome", "right", "wrong"),
    [
        (Outcome.PROCESSED, [200, 404, 501], [None, 400, 500]),
        (Outcome.REFUSED, [400, 603], [None, 200]),
        (Outcome.REFUSED_OR_SILENT, [None, 400], [200]),
        (Outcome.SILENT, [None], [200, 400]),
        (Outcome.TOLERATED, [None, 200, 400], []),
    ],
)
def test_answers_are_judged(outcome: Outcome, right: list[int | None], wrong: list[int | None]) -> None:
    case = Case("some", b"", outcome)
    assert [judge(case, status) for status in right] == [None] * len(right)
    assert all(judge(case, status) for status in wrong)


def test_named_statuses_are_the_only_right_ones() -> None:
    case = Case("some", b"", Outcome.REFUSED, statuses=frozenset({481}))
    assert judge(case, 481) is None
    assert "expected: 481" in str(judge(case, 404))
