"""Calls of type Event: accepted at once, run later, tried again, and told to a destination at their end."""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from flowforge.local.atomic_file import write_atomically
from flowforge.local.functions import FunctionCaller, FunctionNotFoundError, TooManyRequestsError
from flowforge.local.sandbox import Outcome
from flowforge.local.template import AsynchronousCalls, Destination, FunctionSpec, function_arn

# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
RETRY_SECONDS = (60.0, 120.0)
THROTTLED_SECONDS = 1.0
LONGEST_THROTTLED_SECONDS = 300.0
logger = logging.getLogger(__name__)


class Pace(Protocol):
    """The time of retries."""

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    async def wait(self, seconds: float) -> None:
        """Let the time pass."""
        ...


class RealPace:
    """Time as it is."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    async def wait(self, seconds: float) -> None:
        """Let the time pass."""
        await asyncio.sleep(seconds)


class Messenger(Protocol):
    """Whatever reaches destinations; its methods block."""

    def send_record(self, destination: Destination, record: Mapping[str, Any]) -> None:
        """Tell a destination how a call ended."""
        ...

    def send_dead_letter(self, destination: Destination, payload: str, attributes: Mapping[str, str]) -> None:
        """Keep a call that failed for good."""
        ...


@dataclass(frozen=True)
class Event:
    """A call that was accepted. ``payload`` is JSON text; ``accepted`` in seconds since 1970."""

    request_id: str
    function: str
    payload: str
    accepted: float
    attempts: int = 0


class EventQueue:
    """Runs accepted calls on an event loop; all methods but the constructor belong on it.

    A call lies in ``folder`` until it has ended, so that it is run by the next stack where this one is killed: at least
    once, as on AWS.
    """

    def __init__(
        self,
        specs: Iterable[FunctionSpec],
        functions: FunctionCaller,
        messenger: Messenger,
        folder: Path,
        pace: Pace | None = None,
    ) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._functions = functions
        self._messenger = messenger
        self._folder = folder
        self._pace = pace or RealPace()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Take up what an earlier stack left."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(self._folder.glob("*.json")):
            event = Event(**json.loads(path.read_text(encoding="utf-8")))
            if event.function in self._specs:
                self._launch(event)
            else:
                logger.warning("the function %s of event %s is no longer declared", event.function, event.request_id)
                path.unlink()

    def check(self, name: str) -> None:
        """Raise FunctionNotFoundError for a function that is not declared."""
        if name not in self._specs:
            raise FunctionNotFoundError(name)

    def accept(self, name: str, payload: bytes) -> str:
        """Take a call; the answer is its request id. Raises FunctionNotFoundError."""
        self.check(name)
        event = Event(str(uuid.uuid4()), name, payload.decode(), self._pace.now())
        self._store(event)
        self._launch(event)
        return event.request_id

    async def close(self) -> None:
        """Stop; what has not ended stays in the folder."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _launch(self, event: Event) -> None:
        task = asyncio.get_running_loop().create_task(self._run(event), name=f"event-{event.request_id}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s could not be brought to its end", task.get_name(), exc_info=error)

    async def _run(self, event: Event) -> None:
        settings = self._specs[event.function].asynchronous
        outcome: Outcome | None = None
        throttled = 0
        while True:
            if self._pace.now() - event.accepted > settings.maximum_age_seconds:
                condition = "EventAgeExceeded"
                break
            try:
                outcome = await self._functions.invoke(event.function, event.payload.encode(), event.request_id)
            except TooManyRequestsError:
                await self._pace.wait(min(THROTTLED_SECONDS * 2**throttled, LONGEST_THROTTLED_SECONDS))
                throttled += 1
                continue
            event = replace(event, attempts=event.attempts + 1)
            self._store(event)
            if outcome.error is None:
                condition = "Success"
                break
            if event.attempts > settings.retries:
                condition = "RetriesExhausted"
                break
            await self._pace.wait(RETRY_SECONDS[min(event.attempts, len(RETRY_SECONDS)) - 1])
        await self._tell(event, settings, outcome, condition)
        self._path(event).unlink(missing_ok=True)

    async def _tell(self, event: Event, settings: AsynchronousCalls, outcome: Outcome | None, condition: str) -> None:
        failed = condition != "Success"
        destination = settings.on_failure if failed else settings.on_success
        if destination is not None:
            record = _record(event, outcome, condition)
            if destination.kind == "Lambda":
                self.accept(destination.arn.split(":")[6], json.dumps(record).encode())
            else:
                await asyncio.to_thread(self._messenger.send_record, destination, record)
        if failed and settings.dead_letters is not None:
            message = _message_of(outcome)
            attributes = {"RequestID": event.request_id, "ErrorCode": "200", "ErrorMessage": message}
            await asyncio.to_thread(self._messenger.send_dead_letter, settings.dead_letters, event.payload, attributes)
        if failed:
            logger.warning(
                "event %s of %s ended as %s after %d attempts", event.request_id, event.function, condition, event.attempts
            )

    def _store(self, event: Event) -> None:
        write_atomically(self._path(event), json.dumps(asdict(event)))

    def _path(self, event: Event) -> Path:
        return self._folder / f"{event.request_id}.json"


def _record(event: Event, outcome: Outcome | None, condition: str) -> dict[str, Any]:
    """What a destination gets. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"""
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": event.request_id,
            "functionArn": f"{function_arn(event.function)}:$LATEST",
            "condition": condition,
            "approximateInvokeCount": event.attempts,
        },
        "requestPayload": json.loads(event.payload),
    }
    if outcome is not None:
        context = {"statusCode": 200, "executedVersion": "$LATEST"}
        record["responseContext"] = context if outcome.error is None else {**context, "functionError": outcome.error}
        record["responsePayload"] = json.loads(outcome.payload) if outcome.payload else None
    return record


def _message_of(outcome: Outcome | None) -> str:
    """The error in at most 1 KB, as a dead-letter queue gets it."""
    if outcome is None:
        return "The event was older than the function takes"
    document = json.loads(outcome.payload)
    return str(document.get("errorMessage", ""))[:1024] if isinstance(document, dict) else ""
