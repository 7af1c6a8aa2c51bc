"""What the README promises about its first command."""

import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]


def test_two_demos_at_once_end_by_themselves_and_leave_nothing() -> None:
    before = set((HOME / ".run").glob("*"))
    demos = [
        subprocess.Popen(
            [sys.executable, "-m", "demo"], cwd=HOME, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for _ in range(2)
    ]
    for demo in demos:
        output, _ = demo.communicate(timeout=120)
        assert demo.returncode == 0, output
        assert "EventEstablished" in output
        assert "EventAbandoned" in output
    assert set((HOME / ".run").glob("*")) == before
