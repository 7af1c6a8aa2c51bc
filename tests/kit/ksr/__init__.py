"""A double of Kamailio's `KSR` object, made from what a real Kamailio exports."""

from tests.kit.ksr.bare_kamailio import BareKamailio
from tests.kit.ksr.double import KsrDouble, LogLine
from tests.kit.ksr.exports import EXPORTS_FILE, Function, load_exports

__all__ = ["EXPORTS_FILE", "BareKamailio", "Function", "KsrDouble", "LogLine", "load_exports"]
