"""The layer holds no data engine: a layer and its function may hold 250 MB together, and polars with its plugin takes 205."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

IMPORT_WITHOUT = """
import sys
for name in {missing!r}:
    sys.modules[name] = None
import handler
"""
# What handlers look for when they are loaded.
NAMED = (
    "FLOWFORGE_DATA_BUCKET",
    "FLOWFORGE_STAGE",
    "FLOWFORGE_STATE_MACHINE_ARN",
    "FLOWFORGE_START_REQUESTS_URL",
    "FLOWFORGE_START_REQUESTS_DLQ_URL",
)
DATABASE = {"DATABASE_URL": "postgresql://flowforge:none@127.0.0.1:1/none"}


@pytest.mark.parametrize("function", ["plan_execution", "record_event", "start_execution", "reconcile"])
def test_the_control_plane_starts_without_the_data_engine(root: Path, function: str) -> None:
    line = next(line for line in (root / "containers.mk").read_text().splitlines() if line.startswith("NOT_IN_LAYER"))
    missing = [name.replace("-", "_") for name in line.partition(":=")[2].split()]
    assert "polars" in missing
    subprocess.run(
        [sys.executable, "-c", IMPORT_WITHOUT.format(missing=missing)],
        cwd=root / "functions" / function,
        env={**os.environ, **dict.fromkeys(NAMED, "none"), **DATABASE, "AWS_DEFAULT_REGION": "us-east-1"},
        check=True,
    )
