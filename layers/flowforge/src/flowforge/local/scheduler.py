"""EventBridge Scheduler on the laptop: fires the template's schedules in their time zones, which the emulator ignores."""

import asyncio
import logging
import threading
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from flowforge.local.states.clock import Clock, SystemClock
from flowforge.local.template import ScheduleSpec, is_function

# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html: a schedule fires within the minute it names.
PRECISION = timedelta(seconds=60)
LONGEST_SLEEP_SECONDS = 5.0
"""A machine that was suspended wakes with a clock that has jumped, of which a long sleep would know nothing."""
TRIES = 30
PAUSE_SECONDS = 2.0
_JOIN_SECONDS = 10.0
logger = logging.getLogger(__name__)


class Sender(Protocol):
    """Whatever takes what a schedule sends."""

    def send(self, spec: ScheduleSpec, text: str) -> None:
        """Send it to the schedule's target. Raises what boto3 raises."""
        ...


class StackSender:
    """Sends to the queues and the functions of the stack."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client

    def send(self, spec: ScheduleSpec, text: str) -> None:
        """Send it to the schedule's target; a function is called asynchronously. Raises what boto3 raises."""
        name = spec.target_arn.rsplit(":", 1)[1]
        if is_function(spec.target_arn):
            self._client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=text.encode())
            return
        sqs = self._client("sqs")
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        group = {} if spec.group is None else {"MessageGroupId": spec.group}
        sqs.send_message(QueueUrl=url, MessageBody=text, **group)


class Scheduler:
    """Fires schedules on an event loop, from the moment at which it begins to run. What was due before is not made up for."""

    def __init__(self, schedules: Iterable[ScheduleSpec], sender: Sender, clock: Clock | None = None) -> None:
        self._schedules = [spec for spec in schedules if spec.enabled]
        self._sender = sender
        self._clock = clock or SystemClock()

    async def run(self) -> None:
        """Fire until no schedule has anything to come, or until cancelled."""
        await asyncio.gather(*(self._follow(spec) for spec in self._schedules))

    def fire_now(self, schedules: Iterable[ScheduleSpec]) -> None:
        """Send what these schedules send, out of turn. Raises what boto3 raises."""
        for spec in schedules:
            self._sender.send(spec, fill(spec, self._clock.now(), str(uuid.uuid4()), 1))

    async def _follow(self, spec: ScheduleSpec) -> None:
        due = spec.recurrence.after(self._clock.now())
        while due is not None:
            while (left := (due - self._clock.now()).total_seconds()) > 0:
                await asyncio.sleep(min(left, LONGEST_SLEEP_SECONDS))
            if self._clock.now() - due <= PRECISION:
                await self._fire(spec, due)
                due = spec.recurrence.after(due)
            else:
                logger.warning("the schedule %s was due at %s, while this machine slept", spec.name, due)
                due = spec.recurrence.after(self._clock.now())

    async def _fire(self, spec: ScheduleSpec, due: datetime) -> None:
        identifier = str(uuid.uuid4())
        for attempt in range(1, TRIES + 1):
            try:
                self._sender.send(spec, fill(spec, due, identifier, attempt))
            except (BotoCoreError, ClientError) as error:
                # The emulator may be on its way back.
                logger.warning("the schedule %s could not send, try %d: %s", spec.name, attempt, error)
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                logger.info("the schedule %s has fired for %s", spec.name, due)
                return
        logger.error("the schedule %s gave up what it had to send for %s", spec.name, due)


class BackgroundScheduler:
    """A scheduler on a thread of its own, until ``close``."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._loop = asyncio.new_event_loop()
        self._task = self._loop.create_task(scheduler.run())
        self._thread = threading.Thread(target=self._run, daemon=True, name="scheduler")
        self._thread.start()

    def close(self) -> None:
        """Fire no more, and end the thread."""
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(_JOIN_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()

    def _run(self) -> None:
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)


def fill(spec: ScheduleSpec, due: datetime, identifier: str, attempt: int) -> str:
    """The input with its placeholders replaced, as AWS does before it sends.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    """
    values = {
        "schedule-arn": spec.arn,
        "scheduled-time": due.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "execution-id": identifier,
        "attempt-number": str(attempt),
    }
    text = spec.input
    for name, value in values.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text
