"""Function logs in the emulator's CloudWatch Logs: sent in the background, never in the way of a call."""

import logging
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from flowforge.local.function_logs import LogLine

_WAITING_BATCHES = 10_000
_COLLECT_SECONDS = 1.0
_STOP_SECONDS = 3.0
# PutLogEvents takes 1 MB and 10,000 events; a line is a quarter of that at most.
_LARGEST_EVENT_CHARACTERS = 250_000
_EVENTS_AT_ONCE = 1_000
logger = logging.getLogger(__name__)


class CloudWatch:
    """Takes lines at once and sends them a second later, in the order in which each stream wrote them.

    ``groups`` tells the log group of each function and task definition; one that has none has its files only. Where the
    service fails, or more lines wait than it takes, lines are left out there, and the stack's log says so; the files have
    them all.
    """

    def __init__(self, groups: Mapping[str, str], client: Callable[[str], Any]) -> None:
        self._groups = groups
        self._client = client
        self._queue: queue.Queue[Sequence[LogLine] | None] = queue.Queue(_WAITING_BATCHES)
        self._closing = threading.Event()
        self._known: set[tuple[str, str]] = set()
        self._left_out = 0
        self._thread = threading.Thread(target=self._run, daemon=True, name="cloudwatch-logs")

    def start(self) -> None:
        """Begin to send: the service answers now."""
        self._thread.start()

    def send(self, lines: Sequence[LogLine]) -> None:
        """Take lines; returns at once."""
        try:
            self._queue.put_nowait(lines)
        except queue.Full:
            self._left_out += len(lines)

    def close(self) -> None:
        """Send what waits, for a few seconds at most."""
        if not self._thread.is_alive():
            return
        self._closing.set()
        self.send(())
        self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        logs: Any = None
        while not self._closing.is_set():
            first = self._queue.get()
            logs = logs or self._client("logs")
            self._closing.wait(_COLLECT_SECONDS)
            lines = list(first or ())
            while not self._queue.empty():
                lines += self._queue.get_nowait() or ()
            self._put(logs, lines)

    def _put(self, logs: Any, lines: list[LogLine]) -> None:
        if self._left_out:
            logger.warning("CloudWatch Logs is too slow: %d lines were left out", self._left_out)
            self._left_out = 0
        lines.sort(key=lambda line: (line.function, line.stream))
        for (function, stream), of_stream in groupby(lines, key=lambda line: (line.function, line.stream)):
            events = [_event(line) for line in of_stream]
            group = self._groups.get(function)
            if group is None:
                continue
            try:
                self._create(logs, group, stream)
                for start in range(0, len(events), _EVENTS_AT_ONCE):
                    logs.put_log_events(
                        logGroupName=group, logStreamName=stream, logEvents=events[start : start + _EVENTS_AT_ONCE]
                    )
            except (BotoCoreError, ClientError) as error:
                # An emulator that was started again has forgotten its groups.
                self._known.clear()
                logger.warning("%d lines of %s did not reach CloudWatch Logs: %s", len(events), group, error)

    def _create(self, logs: Any, group: str, stream: str) -> None:
        if (group, stream) in self._known:
            return
        _create_unless_there(logs.create_log_group, logGroupName=group)
        _create_unless_there(logs.create_log_stream, logGroupName=group, logStreamName=stream)
        self._known.add((group, stream))


def _create_unless_there(create: Callable[..., Any], **names: str) -> None:
    try:
        create(**names)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise


def _event(line: LogLine) -> dict[str, Any]:
    # An event must not be empty.
    return {"timestamp": line.timestamp, "message": line.message[:_LARGEST_EVENT_CHARACTERS] or " "}
