"""Odd and broken SIP messages of our own making, in the spirit of RFC 4475."""

from tests.kit.torture.broken_contents import CONTENTS
from tests.kit.torture.broken_framing import FRAMING
from tests.kit.torture.broken_values import VALUES
from tests.kit.torture.case import Case, Outcome, judge
from tests.kit.torture.odd import ODD
from tests.kit.torture.probe import Probe, probe

CORPUS: tuple[Case, ...] = (*ODD, *FRAMING, *VALUES, *CONTENTS)
"""Every case, by the order of the files."""

__all__ = ["CONTENTS", "CORPUS", "FRAMING", "ODD", "VALUES", "Case", "Outcome", "Probe", "judge", "probe"]
