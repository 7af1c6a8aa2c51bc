"""The double of KSR is what a running Kamailio is: the same functions, the same refusals, the same results."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.ksr import BareKamailio, KsrDouble, LogLine, load_exports
from tests.kit.processes import wait_for
from tests.kit.sip import Endpoint

STEPS: list[str] = [
    # refusals
    "KSR.pv.sets('$var(a)', 1)",
    "KSR.pv.sets('$var(a)', None)",
    "KSR.pv.sets('$var(a)', 'a\\0b')",
    "KSR.pv.sets('$var(a)', '\\ud800')",
    "KSR.pv.sets('$var(a)')",
    "KSR.pv.sets('$var(a)', 'b', 'c')",
    "KSR.pv.sets('$var(a)', b'b')",
    "KSR.pv.seti('$var(a)', '1')",
    "KSR.pv.seti('$var(a)', 1.0)",
    "KSR.pv.seti('$var(a)', 2147483648)",
    "KSR.pv.seti('$var(a)', True)",
    "KSR.pv.geti('$var(a)')",
    "KSR.info(1)",
    "KSR.nothing('a')",
    "KSR.pv.nothing('a')",
    "KSR.is_myself_ruri('one too many')",
    # variables
    "KSR.pv.get('$shv(number)')",
    "KSR.pv.get('$shv(none)')",
    "KSR.pv.sets('$shv(text)', 'abc')",
    "KSR.pv.get('$shv(text)')",
    "KSR.pv.gete('$avp(none)')",
    "KSR.pv.getw('$avp(none)')",
    "KSR.pv.getvs('$avp(none)', 'other')",
    "KSR.pv.getvn('$avp(none)', 5)",
    "KSR.pv.is_null('$avp(none)')",
    "KSR.pv.sets('$avp(some)', 'x')",
    "KSR.pv.is_null('$avp(some)')",
    "KSR.pv.seti('$avp(some)', -3)",
    "KSR.pv.get('$avp(some)')",
    # tables
    "KSR.htable.sht_get('table', 'k')",
    "KSR.htable.sht_sets('table', 'k', 'v')",
    "KSR.htable.sht_get('table', 'k')",
    "KSR.htable.sht_is_null('table', 'k')",
    "KSR.htable.sht_is_null('table', 'other')",
    "KSR.htable.sht_gete('table', 'other')",
    "KSR.htable.sht_getw('table', 'other')",
    "KSR.htable.sht_seti('table', 'n', 41)",
    "KSR.htable.sht_inc('table', 'n')",
    "KSR.htable.sht_dec('table', 'n')",
    "KSR.htable.sht_inc('table', 'k')",
    "KSR.htable.sht_inc('table', 'other')",
    "KSR.htable.sht_setxs('table', 'x', 'v', 100)",
    "KSR.htable.sht_get('table', 'x')",
    "KSR.htable.sht_rm('table', 'k')",
    "KSR.htable.sht_rm('table', 'k')",
    "KSR.htable.sht_get('table', 'k')",
    "KSR.htable.sht_sets('nowhere', 'k', 'v')",
    "KSR.htable.sht_get('nowhere', 'k')",
    "KSR.htable.sht_rm('nowhere', 'k')",
    "KSR.htable.sht_reset('table')",
    "KSR.htable.sht_reset('nowhere')",
    "KSR.htable.sht_get('table', 'n')",
    # queues
    "KSR.mqueue.mqk_get('queue')",
    "KSR.mqueue.mq_fetch('queue')",
    "KSR.mqueue.mq_add('queue', 'k1', 'v1')",
    "KSR.mqueue.mq_add('queue', 'k2', 'v2')",
    "KSR.mqueue.mq_size('queue')",
    "KSR.mqueue.mq_fetch('queue')",
    "KSR.mqueue.mqk_get('queue')",
    "KSR.mqueue.mqv_get('queue')",
    "KSR.mqueue.mq_pv_free('queue')",
    "KSR.mqueue.mqk_get('queue')",
    "KSR.mqueue.mqk_gete('queue')",
    "KSR.mqueue.mqk_getw('queue')",
    "KSR.mqueue.mq_fetch('queue')",
    "KSR.mqueue.mqv_get('queue')",
    "KSR.mqueue.mq_fetch('queue')",
    "KSR.mqueue.mq_size('queue')",
    "KSR.mqueue.mq_add('nowhere', 'k', 'v')",
    "KSR.mqueue.mq_fetch('nowhere')",
    "KSR.mqueue.mq_size('nowhere')",
    # log
    "KSR.info('text\\n')",
    "KSR.log('err', 'text\\n')",
    "KSR.xlog.xinfo('text\\n')",
]

SCRIPT = f"""
import json
import KSR

STEPS = {STEPS!r}

def outcome(step):
    try:
        return repr(eval(step))
    except Exception as error:
        return type(error).__name__

class Script:
    def child_init(self, rank):
        return 1

    def run(self, msg):
        with open("outcomes.part", "w") as file:
            json.dump([outcome(step) for step in STEPS], file)
        import os
        os.rename("outcomes.part", "outcomes.json")
        return 1

def mod_init():
    return Script()
"""


@pytest.fixture(scope="module")
def kamailio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareKamailio]:
    directory = tmp_path_factory.mktemp("kamailio")
    script = SCRIPT.replace('"outcomes.', f'"{directory}/outcomes.')
    with BareKamailio(directory, script) as running:
        yield running


def test_exports_are_those_of_a_running_kamailio(kamailio: BareKamailio) -> None:
    assert load_exports() == kamailio.exports(), "run python -m tests.kit.ksr.generate"


def test_every_step_has_the_outcome_of_a_running_kamailio(kamailio: BareKamailio) -> None:
    with Endpoint("prober") as prober:
        prober.request("OPTIONS", f"sip:{kamailio.address}").expect(200)
    written = kamailio.directory / "outcomes.json"
    wait_for(written.exists, "the script has run")
    double = KsrDouble(tables=("table",), queues=("queue",))
    double.variables["$shv(number)"] = 7
    real = dict(enumerate(json.loads(written.read_text())))
    ours = {number: _outcome(double, step) for number, step in enumerate(STEPS)}
    differing = [
        f"{STEPS[number]}: real {real[number]}, double {ours[number]}"
        for number in real
        if real[number] != ours[number]
    ]
    assert not differing, "\n".join(differing)


def _outcome(double: KsrDouble, step: str) -> str:
    """Evaluate `KSR.module.function(literals)` on the double."""
    call = ast.parse(step, mode="eval").body
    assert isinstance(call, ast.Call)
    names = ast.unparse(call.func).split(".")[1:]
    try:
        target: object = double
        for name in names:
            target = getattr(target, name)
        assert callable(target)
        return repr(target(*(ast.literal_eval(argument) for argument in call.args)))
    except (SystemError, AttributeError) as error:
        return type(error).__name__


def test_adapter_works_over_the_double() -> None:
    double = KsrDouble(tables=("dn",), queues=("facts",))
    with double.installed():
        from kemi import ksr

        ksr.Table("dn").set("8000", "x\0y")
        ksr.MessageQueue("facts").put("invite", "{}")
        ksr.Log().info("hello")
        assert ksr.Table("dn").get("8000") == "xy"
        assert ksr.MessageQueue("facts").get() == ("invite", "{}")
        assert ksr.MessageQueue("facts").get() is None
    assert double.logged == [LogLine("info", "hello\n")]


def test_functions_without_behaviour_are_noted_and_succeed_or_do_as_told() -> None:
    double = KsrDouble()
    send = double.corex.send_data  # type: ignore[attr-defined]
    assert send("sip:127.0.0.1:5060", "text") == 1
    double.returns["corex.send_data"] = -1
    assert send("sip:127.0.0.1:5060", "text") == -1
    double.returns["corex.send_data"] = lambda uri, text: len(text)
    assert send("sip:127.0.0.1:5060", "text") == 4
    assert [call.path for call in double.calls] == ["corex.send_data"] * 3
    assert double.calls[0].arguments == ("sip:127.0.0.1:5060", "text")


def test_double_is_gone_after_the_test(tmp_path: Path) -> None:
    import sys

    with KsrDouble().installed():
        assert "KSR" in sys.modules
    assert "KSR" not in sys.modules
