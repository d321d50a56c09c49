"""The log lines of an execution: all functions wrote its id into theirs, so the groups are searched for it.

Lines are told in the order of time over all groups. A page ends at an instant, and the next one begins there again less what was
told of that instant; so a page needs no state of the service, whose tokens end after a day.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from flowforge.lake.service_errors import code_of, translate
from flowforge.model.errors import ConfigFault
from flowforge.model.step import Step

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

FUNCTIONS = (
    *("start_execution", "plan_execution", "bronze_ingest", "silver_transform", "gold_publish"),
    *("worker", "record_event"),
)
"""Those that write an execution's id; each has the log group ``/flowforge/{stage}/{function}``."""
MOST_PAGES = 10
"""Pages of one group in a request: the service looks through a part of a group for each, and may find nothing in it."""
MOST_EVENTS = 10_000
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html"""
BEFORE, AFTER = timedelta(minutes=5), timedelta(minutes=15)
"""Around an execution: the wish is logged before it, and a log takes a while to arrive."""


@dataclass(frozen=True)
class LogLine:
    """A line. ``level`` where it says one; ``message`` without what a structured line says besides."""

    at: datetime
    function: str
    level: str | None
    message: str
    job_id: str | None
    step: str | None


@dataclass(frozen=True)
class LogPage:
    """Lines in the order of time, where the next ones begin, and whether all groups were searched as far as that.

    ``following`` is None after the last line of an execution that has ended; of one that runs, more may come.
    """

    lines: list[LogLine]
    following: str | None
    complete: bool


@dataclass(frozen=True)
class _Found:
    events: list[dict[str, Any]]
    searched_until: int | None
    """Milliseconds; None where the group was searched to the end."""


class ExecutionLogs:
    """The log groups of a stage. They need logs:FilterLogEvents; the client is made when it is first needed."""

    def __init__(self, stage: str, connect: "Callable[[], CloudWatchLogsClient]") -> None:
        self._stage = stage
        self._connect = connect

    @cached_property
    def _client(self) -> "CloudWatchLogsClient":
        return self._connect()

    def page(
        self, execution_id: str, began: datetime, ended: datetime | None, *, limit: int, following: str | None = None
    ) -> LogPage:
        """The lines of an execution that was wished and ended at these times.

        Raises ConfigFault for a cursor that no page told, RetryLater where CloudWatch Logs is busy.
        """
        start, skipped = _cursor(following) if following else (_milliseconds(began - BEFORE), 0)
        until = _milliseconds(ended + AFTER) if ended else None
        with ThreadPoolExecutor(len(FUNCTIONS)) as pool:
            found = list(pool.map(lambda name: self._search(name, execution_id, start, until, limit + skipped + 1), FUNCTIONS))
        # Behind the instant up to which a group was searched there may be lines that are not known yet.
        horizon = min((part.searched_until for part in found if part.searched_until is not None), default=None)
        events = _in_order(found, horizon)[skipped:]
        shown = events[:limit]
        lines = [_line(FUNCTIONS[number], event) for _, number, _, event in shown]
        if len(events) <= limit and horizon is None and ended is not None:
            return LogPage(lines, None, complete=True)
        last = shown[-1][0] if shown else horizon or start
        told = sum(item[0] == last for item in shown) + (skipped if last == start else 0)
        return LogPage(lines, _told(last, told), complete=horizon is None or len(events) > limit)

    def _search(self, function: str, execution_id: str, start: int, until: int | None, wanted: int) -> _Found:
        group = f"/flowforge/{self._stage}/{function}"
        asked: dict[str, Any] = {"logGroupName": group, "filterPattern": f'"{execution_id}"', "startTime": start}
        asked["limit"] = min(wanted, MOST_EVENTS)
        if until is not None:
            asked["endTime"] = until
        events: list[dict[str, Any]] = []
        try:
            for _ in range(MOST_PAGES):
                answer = self._client.filter_log_events(**asked)
                events += [dict(event) for event in answer["events"]]
                if "nextToken" not in answer:
                    return _Found(events, None)
                if len(events) >= wanted:
                    break
                asked["nextToken"] = answer["nextToken"]
        except (ClientError, BotoCoreError) as error:
            # A function that never ran has no group on a laptop.
            if isinstance(error, ClientError) and code_of(error) == "ResourceNotFoundException":
                return _Found([], None)
            raise translate(error, f"searching {group}", service="CloudWatch Logs") from error
        return _Found(events, max((int(event["timestamp"]) for event in events), default=start))


def _in_order(found: Sequence[_Found], horizon: int | None) -> list[tuple[int, int, str, dict[str, Any]]]:
    """The events before the horizon, by time; at the horizon itself there may be more than is known, unless that is all."""
    events = sorted(
        (
            (int(event["timestamp"]), number, str(event.get("eventId", "")), event)
            for number, part in enumerate(found)
            for event in part.events
        ),
        key=lambda item: item[:3],
    )
    if horizon is None:
        return events
    known = [event for event in events if event[0] < horizon]
    return known or [event for event in events if event[0] == horizon]


def _line(function: str, event: dict[str, Any]) -> LogLine:
    message = str(event["message"]).rstrip("\n")
    at = datetime.fromtimestamp(int(event["timestamp"]) / 1000, UTC)
    try:
        record = json.loads(message)
    except ValueError:
        record = None
    if not isinstance(record, dict) or "message" not in record:
        return LogLine(at, function, None, message, None, None)
    said = record["message"]
    text = said if isinstance(said, str) else json.dumps(said)
    if "exception" in record:
        text = f"{text}\n{record['exception']}"
    level, job_id, step = (str(record[name]) if record.get(name) else None for name in ("level", "job_id", "step"))
    return LogLine(at, function, level, text, job_id, step or (function if function in set(Step) else None))


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _told(milliseconds: int, told: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([milliseconds, told]).encode()).decode().rstrip("=")


def _cursor(text: str) -> tuple[int, int]:
    try:
        start, told = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not (isinstance(start, int) and isinstance(told, int) and 0 <= start < 2**53 and 0 <= told <= MOST_TOLD):
            raise ValueError(text)
    except (ValueError, TypeError, binascii.Error) as error:
        raise ConfigFault("next: no page told this; leave it out to begin anew", option="next") from error
    return start, told


MOST_TOLD = 100_000
"""Lines of one millisecond."""
