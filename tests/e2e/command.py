"""How a test starts the command: as a process of its own, with an environment that reaches no real account."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).parents[2]
RUN_SECONDS = 180
# A test runner in the background ignores SIGINT, and its children would inherit that.
PROGRAM = "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL); from flowforge.cli.main import app; app()"

Flowforge = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[str]]


def command(*arguments: str | Path) -> list[str]:
    """The command line of ``flowforge`` with these arguments."""
    return [sys.executable, "-c", PROGRAM, *map(str, arguments)]


def environment(**changes: str) -> dict[str, str]:
    """This environment without what would reach a real account or change the form of the output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FORCE_COLOR", "COLUMNS"))}
    return {**kept, "FLOWFORGE_PROJECT": str(PROJECT), **changes}
