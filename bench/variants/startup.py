"""What a cold start and a command's help take: processes that load a function's code, or print a page, and end."""

import os
import subprocess
import sys
from pathlib import Path

from bench.child import Work
from bench.workplace import ROOT, Workplace

LOAD = "import time; started = time.perf_counter(); import handler; print(time.perf_counter() - started)"


def import_step(_: Workplace) -> Work:
    """Load a step function's handler, with its S3 client, logger and models, in a process that has loaded nothing yet."""
    command = [sys.executable, "-c", LOAD]
    environment = {**os.environ, "FLOWFORGE_DATA_BUCKET": "none"}
    folder = ROOT / "functions" / "bronze_ingest"

    def work() -> dict[str, float]:
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder, env=environment)
        return {"milliseconds": float(done.stdout) * 1000}

    # The first process of an invocation may have to compile what was changed.
    work()
    return work


def show_help(_: Workplace) -> Work:
    """`flowforge --help` in a process of its own, from its start to its end."""
    command = [str(Path(sys.executable).with_name("flowforge")), "--help"]

    def work() -> dict[str, float]:
        subprocess.run(command, check=True, capture_output=True)
        return {}

    work()
    return work
