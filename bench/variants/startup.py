"""What a cold start and a command's help take: processes that load a function's code, or print a page, and end."""

import os
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

from bench.child import Work
from bench.workplace import ROOT, Workplace
from flowforge.local.fork_server import fork_server
from flowforge.local.function_logs import FunctionLogs
from flowforge.local.functions import FunctionHost
from flowforge.local.reaper import Reaper
from flowforge.local.sandbox import SandboxSettings
from flowforge.local.state_folder import StateFolder
from flowforge.local.template import FunctionSpec

LOADS = 5
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


def load_started(place: Workplace) -> Work:
    """Load a function of the control plane on the laptop's host, in a process that loads its libraries itself."""
    return _load(place, forked=False)


def load_forked(place: Workplace) -> Work:
    """The same in a process from the fork server, which has loaded them."""
    return _load(place, forked=True)


def _load(place: Workplace, *, forked: bool) -> Work:
    state = StateFolder(place.scratch / "state")
    environment = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "FLOWFORGE_DATA_BUCKET": "none",
        "DATABASE_URL": "postgresql://nobody:none@127.0.0.1:1/none",
    }
    spec = FunctionSpec("PlanExecution", ROOT / "functions" / "plan_execution", "handler.handle", 512, 60.0, environment)
    cleanup = ExitStack()
    reaper = cleanup.enter_context(closing(Reaper()))
    forks = cleanup.enter_context(fork_server(state, reaper)) if forked else None

    def load() -> None:
        host = FunctionHost([spec], SandboxSettings(state.root, {}, reaper, FunctionLogs(state.logs), forks))
        host.warm([spec.name])
        host.wait_loaded(seconds=spec.timeout_seconds)
        host.close()

    def work() -> dict[str, float]:
        with cleanup:
            for _ in range(LOADS):
                load()
        return {}

    # The first process may have to compile what was changed, and the server has to be there.
    load()
    return work
