"""An image gets, above what it shares with others, the packages that they lack, with their hashes."""

import subprocess
import sys
from pathlib import Path

SHARED = "polars==2.1.0 \\\n    --hash=sha256:aa\n    # via flowforge\n"
ADDED = "pg8000==1.31.5 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"


def test_what_both_have_is_left_out_and_hashes_stay(root: Path, tmp_path: Path) -> None:
    (tmp_path / "less").write_text(SHARED)
    (tmp_path / "more").write_text(f"# exported\n{ADDED}    # via flowforge\n{SHARED}")
    command = [sys.executable, "scripts/added-requirements", str(tmp_path / "more"), str(tmp_path / "less")]
    assert subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout == ADDED
