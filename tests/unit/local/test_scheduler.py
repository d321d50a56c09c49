"""The loop that fires schedules, on a clock that does not wait."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from flowforge.local.errors import LocalStackError
from flowforge.local.schedule_expressions import parse_expression
from flowforge.local.scheduler import PAUSE_SECONDS, TRIES, BackgroundScheduler, Scheduler, StackSender, fill
from flowforge.local.states.clock import Clock, LoopClock, VirtualTimeLoop
from flowforge.local.template import ScheduleSpec, function_arn
from flowforge.local.template_reader import read_template
from unit.local.conftest import Eventually

START = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
QUEUE = "arn:aws:sqs:us-east-1:000000000000:wishes"


def schedule(expression: str, zone: str = "UTC", name: str = "S", **fields: Any) -> ScheduleSpec:
    text = fields.pop("input", "<aws.scheduler.scheduled-time>")
    return ScheduleSpec(name, parse_expression(expression, zone), QUEUE, text, **fields)


class Box:
    """Takes what is sent, but refuses the first ``refusals`` of it."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.sent: list[tuple[str, str]] = []

    def send(self, spec: ScheduleSpec, text: str) -> None:
        if self.refusals:
            self.refusals -= 1
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
        self.sent.append((spec.name, text))


def run(
    *schedules: ScheduleSpec, hours: float, box: Box | None = None, clock: Callable[[Clock], Clock] = lambda own: own
) -> list[tuple[str, str]]:
    """Let schedules run for some virtual hours, from START on; what they sent."""
    box = box or Box()
    loop = VirtualTimeLoop()

    async def main() -> None:
        scheduler = Scheduler(schedules, box, clock(LoopClock(loop, START)))
        try:
            await asyncio.wait_for(scheduler.run(), hours * 3600)
        except TimeoutError:
            return

    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
    return box.sent


def test_schedules_fire_at_their_own_times_in_their_own_zones() -> None:
    sent = run(
        schedule("cron(0 9 * * ? *)", "Asia/Kolkata", "kolkata"),
        schedule("cron(0 9 * * ? *)", "Europe/London", "london"),
        schedule("rate(5 hours)", name="rate"),
        schedule("at(2026-11-23T01:00:00)", name="once"),
        hours=11,
    )
    assert sent == [
        ("once", "2026-11-23T01:00:00Z"),
        ("kolkata", "2026-11-23T03:30:00Z"),
        ("rate", "2026-11-23T05:00:00Z"),
        ("london", "2026-11-23T09:00:00Z"),
        ("rate", "2026-11-23T10:00:00Z"),
    ]


def test_what_was_due_before_the_start_is_not_made_up_for() -> None:
    assert run(schedule("at(2026-11-22T23:59:00)"), schedule("cron(0 0 23 11 ? 2026)"), hours=1) == []


def test_a_schedule_that_is_switched_off_never_fires() -> None:
    assert run(schedule("rate(1 minute)", enabled=False), hours=1) == []


def test_a_send_that_fails_is_tried_again_with_the_same_time() -> None:
    text = "<aws.scheduler.scheduled-time> <aws.scheduler.attempt-number>"
    sent = run(schedule("cron(0 1 * * ? *)", input=text), hours=2, box=Box(refusals=3))
    assert sent == [("S", "2026-11-23T01:00:00Z 4")]


def test_a_queue_that_never_takes_it_costs_one_firing_and_not_the_schedule() -> None:
    assert TRIES * PAUSE_SECONDS < 3600
    sent = run(schedule("cron(0 * * * ? *)"), hours=2.5, box=Box(refusals=TRIES))
    assert sent == [("S", "2026-11-23T02:00:00Z")]


def test_what_was_due_while_the_machine_slept_is_left_out() -> None:
    class Suspended:
        """A clock that leaps over five hours at half past two."""

        def __init__(self, own: Clock) -> None:
            self.own = own

        def now(self) -> datetime:
            now = self.own.now()
            return now + timedelta(hours=5) if now > START + timedelta(hours=2, minutes=30) else now

    sent = run(schedule("cron(0 * * * ? *)"), hours=4, clock=Suspended)
    assert [text[11:16] for _, text in sent] == ["01:00", "02:00", "08:00"]


def test_every_placeholder_is_filled() -> None:
    told = {name: f"<aws.scheduler.{name}>" for name in ("schedule-arn", "scheduled-time", "execution-id", "attempt-number")}
    due = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    assert json.loads(fill(schedule("rate(1 day)", input=json.dumps(told)), due, "e-1", 2)) == {
        "schedule-arn": "arn:aws:scheduler:us-east-1:000000000000:schedule/default/S",
        "scheduled-time": "2026-11-23T09:00:00Z",
        "execution-id": "e-1",
        "attempt-number": "2",
    }


@pytest.mark.parametrize(("group", "more"), [(None, {}), ("one", {"MessageGroupId": "one"})])
def test_a_message_goes_to_the_queue_by_its_name(group: str | None, more: dict[str, str]) -> None:
    sent: list[dict[str, str]] = []

    class Sqs:
        def get_queue_url(self, QueueName: str) -> dict[str, str]:  # noqa: N803 -- boto3's own
            return {"QueueUrl": f"http://127.0.0.1:1/{QueueName}"}

        def send_message(self, **given: str) -> None:
            sent.append(given)

    StackSender(lambda _: Sqs()).send(schedule("rate(1 day)", group=group), "text")
    assert sent == [{"QueueUrl": "http://127.0.0.1:1/wishes", "MessageBody": "text", **more}]


def test_a_function_is_called_by_its_name_and_nobody_waits_for_it() -> None:
    called: list[dict[str, object]] = []

    class Lambda:
        def invoke(self, **given: object) -> None:
            called.append(given)

    spec = replace(schedule("rate(1 day)", input="text"), target_arn=function_arn("Compare"))
    Scheduler([spec], StackSender(lambda _: Lambda())).fire_now([spec])
    assert called == [{"FunctionName": "Compare", "InvocationType": "Event", "Payload": b"text"}]


def test_a_scheduler_in_the_background_fires_and_ends(eventually: Eventually) -> None:
    class Soon:
        """Says twice that it is a tenth of a second to nine, and then that it is nine."""

        def __init__(self) -> None:
            self.asked = 0

        def now(self) -> datetime:
            self.asked += 1
            nine = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
            return nine - timedelta(seconds=0.1) if self.asked <= 2 else nine

    box = Box()
    background = BackgroundScheduler(Scheduler([schedule("cron(0 9 * * ? *)")], box, Soon()))
    eventually(lambda: box.sent == [("S", "2026-11-23T09:00:00Z")])
    background.close()


def test_a_scheduler_that_has_nothing_to_do_ends_too() -> None:
    BackgroundScheduler(Scheduler([], Box())).close()


TEMPLATE = """
    Resources:
      Wishes: {Type: AWS::SQS::Queue, Properties: {QueueName: wishes}}
      Daily:
        Type: AWS::Scheduler::Schedule
        Properties:
          ScheduleExpression: cron(0 9 * * ? *)
          ScheduleExpressionTimezone: Asia/Kolkata
          FlexibleTimeWindow: {Mode: "OFF"}
          State: ENABLED
          Target:
            Arn: !GetAtt Wishes.Arn
            RoleArn: !GetAtt NobodyHere.Arn
            Input: '{"at": "<aws.scheduler.scheduled-time>"}'
            DeadLetterConfig: {Arn: !GetAtt Wishes.Arn}
"""


def read(folder: Path, text: str) -> tuple[ScheduleSpec, ...]:
    path = folder / "template.yaml"
    path.write_text(dedent(text))
    return read_template(path, parameters={}, environment={}).schedules


def test_a_schedule_of_the_template_is_read(tmp_path: Path) -> None:
    [daily] = read(tmp_path, TEMPLATE)
    assert (daily.name, daily.target_arn, daily.enabled) == ("Daily", QUEUE, True)
    assert daily.input == '{"at": "<aws.scheduler.scheduled-time>"}'
    assert daily.recurrence.after(START) == datetime(2026, 11, 23, 3, 30, tzinfo=UTC)
    [off] = read(tmp_path, TEMPLATE.replace("ENABLED", "DISABLED"))
    assert not off.enabled


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cron(0 9", "cron(99 9", r"Resources/Daily/ScheduleExpression: 'cron\(99 9.*out of range"),
        ("Asia/Kolkata", "Mars/X", "Resources/Daily/ScheduleExpression: there is no time zone 'Mars/X'"),
        ("Arn: !GetAtt Wishes.Arn\n", "Arn: arn:aws:lambda:x\n", "Resources/Daily/Target/Arn: .*no queue .* arn:aws:lambda:x"),
        ('Mode: "OFF"', "Mode: FLEXIBLE", "Resources/Daily/FlexibleTimeWindow"),
        ("State: ENABLED", 'StartDate: "2026-11-23T00:00:00Z"', "Resources/Daily: .*does not know StartDate"),
        ("Input:", "KinesisParameters:", "Resources/Daily: .*does not know KinesisParameters"),
    ],
)
def test_what_a_laptop_cannot_schedule_is_an_error_that_names_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in TEMPLATE
    with pytest.raises(LocalStackError, match=message):
        read(tmp_path, TEMPLATE.replace(old, new, 1))
