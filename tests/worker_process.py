"""The worker as a process of its own, and a network that stops it in the middle of its writes."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowforge.model.step import Step
from lab import JOB_ID, REGION, Run
from s3_proxy import Fault, Handler, Request

WORKER = Path(__file__).parents[1] / "functions" / "worker" / "worker.py"
END_SECONDS = 60


def started(run: Run, step: Step, s3_url: str, *, plan: str = "", **environment: str) -> subprocess.Popen[str]:
    """A worker on its way with a step of a run."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FLOWFORGE_"))}
    settings = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": s3_url,
    }
    plan = plan or f"s3://{run.lab.lake.bucket}/{run.plan_key}"
    return subprocess.Popen(
        [sys.executable, str(WORKER), "--step", step.value, "--job", JOB_ID, "--plan", plan],
        env=inherited | settings | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass(frozen=True)
class Ended:
    """How a worker ended: its exit code, what it logged, what went to its error stream."""

    code: int
    log: list[dict[str, Any]]
    errors: str


def ended(process: subprocess.Popen[str]) -> Ended:
    """Wait for a worker to end; one that does not is killed."""
    try:
        output, errors = process.communicate(timeout=END_SECONDS)
    finally:
        process.kill()
    return Ended(process.returncode, [json.loads(line) for line in output.splitlines()], errors)


@dataclass
class StoppingAt:
    """Sends SIGTERM to a worker at its n-th write (from 1), and holds that write until the worker is gone.

    ``arrived``: S3 has done what was asked, and only the answer is held; otherwise the request never arrives. What the
    worker writes after the signal passes. ``kinds`` tells the writes that came by: their method and their query's names.
    """

    number: int
    arrived: bool
    process: subprocess.Popen[str] | None = None
    ready: threading.Event = field(default_factory=threading.Event)
    kinds: list[str] = field(default_factory=list)
    begins_an_upload: bool = False
    took_seconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, request: Request) -> Fault | None:
        """The fault of the next request, or None."""
        if request.method in ("GET", "HEAD"):
            return None
        with self._lock:
            self.kinds.append(f"{request.method} {' '.join(sorted(request.query))}".strip())
            if len(self.kinds) != self.number:
                return None
        self.begins_an_upload = "uploads" in request.query
        return self._stop

    def _stop(self, handler: Handler) -> None:
        if self.arrived:
            handler.forward()
        self.ready.wait(END_SECONDS)
        assert self.process is not None
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(END_SECONDS)
        self.took_seconds = time.monotonic() - begun
        handler.hang_up()
