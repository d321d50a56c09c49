"""Where executions are written down, so that they outlive the process: one log of JSON lines for each."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

Record = dict[str, Any]


class Log(Protocol):
    """The log of one execution."""

    def write(self, record: Mapping[str, Any], *, durable: bool = False) -> None:
        """Append a record. It outlives the process at once, and the machine's power where ``durable``."""
        ...


class Journal(Protocol):
    """The logs of all executions."""

    def log(self, arn: str) -> Log:
        """The log of an execution; a new one where it has none."""
        ...

    def logs(self) -> Iterator[list[Record]]:
        """The records of every log, in the order in which they were written."""
        ...


class _Nowhere:
    def write(self, record: Mapping[str, Any], *, durable: bool = False) -> None:
        """Forget it."""


class NoJournal:
    """Executions end with their process."""

    def log(self, arn: str) -> Log:  # noqa: ARG002 -- the protocol's
        """A log that forgets."""
        return _Nowhere()

    def logs(self) -> Iterator[list[Record]]:
        """Nothing."""
        return iter(())


class _ListLog:
    def __init__(self, records: list[Record]) -> None:
        self._records = records

    def write(self, record: Mapping[str, Any], *, durable: bool = False) -> None:  # noqa: ARG002 -- the protocol's
        # What comes back is what a file would have given.
        self._records.append(json.loads(json.dumps(record)))


class MemoryJournal:
    """Logs in memory, for tests: a second service can go on with what a first one wrote."""

    def __init__(self) -> None:
        self.records: dict[str, list[Record]] = {}

    def log(self, arn: str) -> Log:
        """The log of an execution."""
        return _ListLog(self.records.setdefault(arn, []))

    def logs(self) -> Iterator[list[Record]]:
        """The records of every log."""
        yield from (list(records) for records in self.records.values())


class _FileLog:
    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, record: Mapping[str, Any], *, durable: bool = False) -> None:
        # Opened for each record: thousands of executions must not hold thousands of files. One write of one line to a
        # file that is opened for appending is in the kernel's hands when it returns, so a killed process loses nothing.
        line = (json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n").encode(errors="surrogatepass")
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            while line:
                line = line[os.write(descriptor, line) :]
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


class FolderJournal:
    """Logs as files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def log(self, arn: str) -> Log:
        """The log of an execution: its name, made unique where file names know no upper and lower case."""
        name = arn.rpartition(":")[2]
        return _FileLog(self._folder / f"{name}-{hashlib.sha256(arn.encode()).hexdigest()[:12]}.jsonl")

    def logs(self) -> Iterator[list[Record]]:
        """The records of every log. A last line that the end of its process cut off is taken away from its file."""
        for path in sorted(self._folder.glob("*.jsonl")):
            content = path.read_bytes()
            records, whole_bytes = _whole_records(content)
            if whole_bytes < len(content):
                os.truncate(path, whole_bytes)
            yield records


def _whole_records(content: bytes) -> tuple[list[Record], int]:
    records: list[Record] = []
    whole_bytes = 0
    for line in content.splitlines(keepends=True):
        try:
            record = json.loads(line)
        except ValueError:
            break
        if not line.endswith(b"\n"):
            break
        records.append(record)
        whole_bytes += len(line)
    return records, whole_bytes
