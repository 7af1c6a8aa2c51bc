"""Writes the call model's tables into docs/call-model.md, from the code: ``python tools/call_model_tables.py``."""

from collections.abc import Mapping
from pathlib import Path

from kemi.calls import outcomes
from kemi.calls.party import TRANSITIONS, Action, Input, State
from tlib.enums import CallState

PAGE = Path(__file__).resolve().parents[1] / "docs" / "call-model.md"


def party_table() -> str:
    """What happens (rows) to a party in a state (columns): what its DN is told, and its next state."""
    states = [state for state in State if state is not State.ENDED]
    lines = [_row("", *(state.value for state in states)), _row(*["---"] * (len(states) + 1))]
    lines += [_row(what.value, *(_cell(state, what) for state in states)) for what in Input]
    return "\n".join(lines)


def reported_table() -> str:
    lines = [_row("state", "in live state"), _row("---", "---")]
    lines += [_row(state.value, state.reported.value) for state in State if state.reported.value != "Null"]
    return "\n".join(lines)


def cause_table() -> str:
    return _outcomes("Q.850 cause", outcomes.FAILED_BY_CAUSE)


def code_table() -> str:
    return _outcomes("SIP code", outcomes.FAILED_BY_CODE)


TABLES = {"party": party_table, "reported": reported_table, "causes": cause_table, "codes": code_table}


def render(page: str) -> str:
    """``page`` with each table between its two marks made anew. Raises ``ValueError`` when a mark is missing."""
    for name, table in TABLES.items():
        begin, end = f"<!-- {name}: made by tools/call_model_tables.py -->\n", f"<!-- /{name} -->"
        start = page.index(begin) + len(begin)
        page = page[:start] + table() + "\n" + page[page.index(end, start) :]
    return page


def _outcomes(title: str, table: Mapping[int, CallState]) -> str:
    by_state: dict[CallState, list[int]] = {}
    for number, state in table.items():
        by_state.setdefault(state, []).append(number)
    lines = [_row("CallState", title), _row("---", "---")]
    lines += [_row(state.value, ", ".join(map(str, numbers))) for state, numbers in by_state.items()]
    return "\n".join(lines)


def _cell(state: State, what: Input) -> str:
    transition = TRANSITIONS.get((state, what))
    if transition is None:
        return ""
    action, after = transition
    told = "" if action is Action.NOTHING else action.value.replace("Event", "") + " "
    return f"{told}→ {after.value}" if after is not state else "ignored"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text()))
