"""Where the lines of functions go: a file of JSON lines per function and day, and whoever else wants to see them."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html: LogResult holds the last 4 KB of the call's log.
TAIL_BYTES = 4096


@dataclass(frozen=True)
class LogLine:
    """One line of a function. ``timestamp`` is in milliseconds since 1970, UTC; ``request_id`` is empty while it loads."""

    timestamp: int
    function: str
    stream: str
    request_id: str
    execution_id: str
    message: str


LogSink = Callable[[Sequence[LogLine]], None]


def ignore_lines(lines: Sequence[LogLine]) -> None:
    """Let nobody else see the lines."""


class FunctionLogs:
    """Writes lines to ``logs/{function}/{yyyy-mm-dd}.jsonl`` and hands them on. May be called from any thread."""

    def __init__(self, folder: Path, sink: LogSink = ignore_lines) -> None:
        self._folder = folder
        self._sink = sink
        self._lock = threading.Lock()
        self._files: dict[str, tuple[str, IO[str]]] = {}
        self._closed = False

    def write(self, lines: Sequence[LogLine]) -> None:
        """Write lines of one function. After ``close`` they are only handed on."""
        if not lines:
            return
        text = "".join(_as_json(line) for line in lines)
        with self._lock:
            if not self._closed:
                file = self._file(lines[0].function)
                file.write(text)
                file.flush()
        self._sink(lines)

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            self._closed = True
            for _, file in self._files.values():
                file.close()
            self._files.clear()

    def _file(self, function: str) -> IO[str]:
        day = datetime.now(UTC).date().isoformat()
        opened = self._files.get(function)
        if opened is not None and opened[0] == day:
            return opened[1]
        if opened is not None:
            opened[1].close()
        folder = self._folder / function
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / f"{day}.jsonl").open("a", encoding="utf-8")
        self._files[function] = (day, file)
        return file


def _as_json(line: LogLine) -> str:
    document = {
        "timestamp": line.timestamp,
        "function": line.function,
        "stream": line.stream,
        "requestId": line.request_id,
        "executionId": line.execution_id,
        "message": line.message,
    }
    return json.dumps(document, ensure_ascii=False) + "\n"
