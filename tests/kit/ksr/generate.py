"""Write `exports.json` anew from a running Kamailio: `python -m tests.kit.ksr.generate`.

To be run after a change of the modules in `kamailio/modules.cfg`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.kit.ksr.bare_kamailio import BareKamailio
from tests.kit.ksr.exports import EXPORTS_FILE, render_exports


def main() -> None:
    """Ask, write, say how many."""
    with tempfile.TemporaryDirectory(prefix="kamcti-exports-") as directory, BareKamailio(Path(directory)) as kamailio:
        exports = kamailio.exports()
    EXPORTS_FILE.write_text(render_exports(exports))
    sys.stdout.write(f"{len(exports)} functions written to {EXPORTS_FILE.name}\n")


if __name__ == "__main__":
    main()
