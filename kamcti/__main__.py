"""``python -m kamcti`` is the same as the command ``kamcti``."""

import sys

from kamcti.cli import main

sys.exit(main())
