"""A worker that does what its arguments say, and a host that runs it as a task. What the tests of tasks share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flowforge.local.ecs_tasks import TaskHost
from flowforge.local.function_logs import FunctionLogs
from flowforge.local.reaper import Reaper
from flowforge.local.sandbox import SandboxSettings
from flowforge.local.task_definitions import ClusterSpec, ContainerSpec, TaskDefinitionSpec

WORKER = """
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

do, *rest = sys.argv[1:]
print("worker:", do, *rest, flush=True)
match do:
    case "exit":
        sys.exit(int(rest[0]))
    case "abort":
        os.abort()
    case "wait":
        Path(rest[0]).write_text(str(os.getpid()))
        time.sleep(60)
    case "polite":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
        Path(rest[0]).write_text(str(os.getpid()))
        time.sleep(60)
    case "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        Path(rest[0]).write_text(str(os.getpid()))
        time.sleep(60)
    case "allocate":
        held = bytearray(int(rest[0]) << 20)
        time.sleep(60)
    case "fill":
        Path(os.environ["TMPDIR"], "full").write_bytes(b"x" * (6 << 20))
        time.sleep(60)
    case "leave a child":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        Path(rest[0]).write_text(str(child.pid))
    case "tell":
        told = {"environment": dict(os.environ), "folder": os.getcwd(), "arguments": rest[1:]}
        Path(rest[0]).write_text(json.dumps(told))
    case "count":
        with open(rest[0], "a") as file:
            file.write("x")
    case "wait once":
        # The first run waits to be killed, every later one ends.
        first = not Path(rest[0]).exists()
        Path(rest[0]).write_text(str(os.getpid()))
        time.sleep(60 if first else 0)
"""
NETWORK = {"AwsvpcConfiguration": {"Subnets": ["subnet-local"], "SecurityGroups": ["sg-local"]}}
FARGATE = ClusterSpec("batch", ("FARGATE", "FARGATE_SPOT"), ("FARGATE_SPOT",))
BARE = ClusterSpec("bare")
MakeTasks = Callable[..., TaskHost]


def arguments(*command: str, **others: Any) -> dict[str, Any]:
    """The arguments of RunTask for the worker with this command."""
    overrides = {"ContainerOverrides": [{"Name": "worker", "Command": list(command)}], **others.pop("Overrides", {})}
    return {
        "Cluster": FARGATE.arn,
        "TaskDefinition": "shop-worker",
        "LaunchType": "FARGATE",
        "NetworkConfiguration": NETWORK,
        "Overrides": overrides,
        **others,
    }


def make_host(
    folder: Path,
    state: Path,
    reaper: Reaper,
    logs: FunctionLogs,
    *,
    memory_mb: int = 512,
    ephemeral_mb: int = 20 * 1024,
    concurrency: int | None = None,
    **container: Any,
) -> TaskHost:
    """A host with one task definition, whose worker lies in ``folder``."""
    script = folder / "functions" / "worker" / "worker.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(WORKER)
    spec = ContainerSpec("worker", script, **{"stream_prefix": "ecs", "stop_seconds": 10, **container})
    definition = TaskDefinitionSpec("shop-worker", 256, memory_mb, spec, ephemeral_mb)
    settings = SandboxSettings(state, {"AWS_REGION": "us-east-1", "MARK": "of the stack"}, reaper, logs)
    return TaskHost([FARGATE, BARE], [definition], settings, concurrency=concurrency)
