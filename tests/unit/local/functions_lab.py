"""What the tests of the function host share: a function that does as its event says, and the ways to call it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from flowforge.local.functions import FunctionHost
from flowforge.local.sandbox import Outcome

HANDLER = """
import os
import subprocess
import sys
import time
from pathlib import Path


class DataFault(Exception):
    pass


def handle(event, context):
    match event.get("do"):
        case "raise":
            raise DataFault("row 3")
        case "exit":
            os._exit(3)
        case "sys.exit":
            sys.exit(4)
        case "leave":
            os._exit(0)
        case "abort":
            os.abort()
        case "wait":
            Path(event["here"]).touch()
            while not Path(event["until"]).exists():
                time.sleep(0.01)
        case "allocate":
            held = bytearray(400 << 20)
            time.sleep(30)
        case "sprawl":
            return "x" * (7 << 20)
        case "nonsense":
            return object()
        case "print":
            print("a line of the handler")
        case "chatter":
            for number in range(10_000):
                print("line", number)
        case "bytes":
            os.write(1, b"\\xff\\xfe\\nno end")
        case "child":
            code = "held = bytearray(400 << 20); import time; time.sleep(30)"
            subprocess.run([sys.executable, "-c", code])
        case "fill":
            Path(os.environ["TMPDIR"], "full").write_bytes(b"x" * (6 << 20))
            time.sleep(30)
        case "scratch":
            Path(os.environ["TMPDIR"], "left").touch()
            return os.environ["TMPDIR"]
    return {
        "pid": os.getpid(),
        "folder": os.getcwd(),
        "left": context.get_remaining_time_in_millis(),
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "environment": dict(os.environ),
    }
"""
SOURCES = {
    "handler.py": HANDLER,
    "broken.py": "import nothing_of_that_name\n",
    "wrong.py": "def (\n",
    "angry.py": "raise RuntimeError('not today')\n",
}

MakeHost = Callable[..., FunctionHost]


def runtimes() -> list[psutil.Process]:
    """The processes of functions that run for this process, started or forked."""
    family = psutil.Process().children(recursive=True)
    return [process for process in family if process.name() == "F" or "awslambdaric" in process.cmdline()]


def call(host: FunctionHost, **event: Any) -> Any:
    outcome = host.invoke("F", json.dumps(event).encode())
    assert outcome.error is None, outcome.payload
    return json.loads(outcome.payload)


def failure(outcome: Outcome) -> dict[str, Any]:
    assert outcome.error == "Unhandled"
    return dict(json.loads(outcome.payload))


def fail(host: FunctionHost, **event: Any) -> dict[str, Any]:
    return failure(host.invoke("F", json.dumps(event).encode()))


def lines_of(state: Path, request_id: str) -> list[str]:
    """The lines of one call in the function's files."""
    records = [json.loads(line) for path in (state / "logs" / "F").glob("*.jsonl") for line in path.read_text().splitlines()]
    return [record["message"] for record in records if record["requestId"] == request_id]
