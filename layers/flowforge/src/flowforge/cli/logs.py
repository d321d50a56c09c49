"""``flowforge logs``: what functions wrote, in the order of time."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from flowforge.cli.endings import SUCCESS, say
from flowforge.local.errors import LocalStackError
from flowforge.local.state_folder import StateFolder

POLL_SECONDS = 0.2


@dataclass
class LogReader:
    """Reads the files of functions, each from where it was read last. Empty filters let everything pass."""

    folder: Path
    function: str = ""
    execution: str = ""
    offsets: dict[Path, int] = field(default_factory=dict)

    def read(self) -> list[dict[str, Any]]:
        """The new lines, by time."""
        found = [record for path in sorted(self.folder.glob("*/*.jsonl")) for record in self._new_in(path)]
        return sorted(found, key=lambda record: int(record["timestamp"]))

    def functions(self) -> list[str]:
        """The functions that have written something."""
        return sorted({path.parent.name for path in self.folder.glob("*/*.jsonl")})

    def _new_in(self, path: Path) -> Iterator[dict[str, Any]]:
        if self.function and path.parent.name != self.function:
            return
        with path.open("rb") as file:
            file.seek(self.offsets.get(path, 0))
            data = file.read()
        # What follows the last line break is still being written.
        whole = data[: data.rfind(b"\n") + 1]
        self.offsets[path] = self.offsets.get(path, 0) + len(whole)
        for line in whole.splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                # A machine that went down in the middle of a line.
                continue
            if not self.execution or record["executionId"] == self.execution:
                yield record


def logs(
    folder: StateFolder,
    console: Console,
    *,
    function: str,
    execution: str,
    follow: bool,
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """Print lines; with ``follow`` go on until a signal ends it."""
    reader = LogReader(folder.logs, function, execution)
    if function and not follow and function not in reader.functions():
        raise LocalStackError(
            f"no function {function} has written a log; those that have: {', '.join(reader.functions()) or 'none'}"
        )
    while True:
        for record in reader.read():
            say(console, _as_text(record))
        if not follow:
            return SUCCESS
        pause(POLL_SECONDS)


def _as_text(record: dict[str, Any]) -> str:
    milliseconds = int(record["timestamp"])
    moment = datetime.fromtimestamp(milliseconds / 1000).astimezone()
    # The console writes a tab as an escape.
    message = str(record["message"]).replace("\t", "  ")
    return f"{moment:%H:%M:%S}.{milliseconds % 1000:03} {record['function']:<16} {message}"
