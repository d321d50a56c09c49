"""Asynchronous calls: retries, their times, and where a call ends, on a clock that does not wait."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from flowforge.local.asynchronous import EventQueue
from flowforge.local.functions import FunctionCaller, FunctionNotFoundError, TooManyRequestsError
from flowforge.local.sandbox import Outcome
from flowforge.local.template import AsynchronousCalls, Destination, FunctionSpec

QUEUE = Destination("SQS", "arn:aws:sqs:us-east-1:000000000000:failed")
DEAD_LETTERS = Destination("SQS", "arn:aws:sqs:us-east-1:000000000000:dead")
NEXT = Destination("Lambda", "arn:aws:lambda:us-east-1:000000000000:function:Next")
HOUR = 3600.0


class Script:
    """Functions whose calls end as the script says, the last line again and again."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        self.calls: list[tuple[str, Any, str | None]] = []

    def invoke(self, name: str, payload: bytes, request_id: str | None = None) -> Outcome:
        line = self.lines[min(len(self.calls), len(self.lines) - 1)] if name == "F" else "fine"
        self.calls.append((name, json.loads(payload), request_id))
        if line == "throttled":
            raise TooManyRequestsError("ConcurrentInvocationLimitExceeded")
        if line == "fails":
            return Outcome(request_id or "", b'{"errorType": "DataFault", "errorMessage": "row 3"}', "Unhandled")
        return Outcome(request_id or "", b'{"done": true}')


class Jump:
    """A pace that never waits: the time jumps."""

    def __init__(self) -> None:
        self.time = 0.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


class Letters:
    def __init__(self) -> None:
        self.records: list[tuple[Destination, Mapping[str, Any]]] = []
        self.dead: list[tuple[Destination, str, Mapping[str, str]]] = []

    def send_record(self, destination: Destination, record: Mapping[str, Any]) -> None:
        self.records.append((destination, record))

    def send_dead_letter(self, destination: Destination, payload: str, attributes: Mapping[str, str]) -> None:
        self.dead.append((destination, payload, attributes))


class Bench:
    """One queue over scripted functions, and what became of the calls that it took."""

    def __init__(self, folder: Path, script: Script, **settings: Any) -> None:
        self.folder, self.script, self.pace, self.letters = folder, script, Jump(), Letters()
        spec = FunctionSpec("F", folder, "handler.handle", 128, 3, {}, asynchronous=AsynchronousCalls(**settings))
        self.specs = [spec, FunctionSpec("Next", folder, "handler.handle", 128, 3, {})]

    def run(self, work: Callable[[EventQueue], Awaitable[None]]) -> None:
        """Do the work on a loop, then let every call come to its end."""

        async def main() -> None:
            caller = FunctionCaller(self.script)
            events = EventQueue(self.specs, caller, self.letters, self.folder, self.pace)
            events.start()
            await work(events)
            while list(self.folder.glob("*.json")):
                await asyncio.sleep(0.001)
            await events.close()
            caller.close()

        asyncio.run(main())

    def accept(self) -> str:
        """Have one call of F run to its end; its request id."""
        identifiers: list[str] = []

        async def work(events: EventQueue) -> None:
            identifiers.append(events.accept("F", b'{"a": 1}'))

        self.run(work)
        return identifiers[0]


def test_a_call_that_works_runs_once_and_tells_its_destination(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Script("fine"), on_success=QUEUE, on_failure=DEAD_LETTERS)
    identifier = bench.accept()
    assert bench.script.calls == [("F", {"a": 1}, identifier)]
    [(destination, record)] = bench.letters.records
    assert destination == QUEUE
    assert record["requestContext"]["condition"] == "Success"
    assert record["responsePayload"] == {"done": True}


def test_a_failing_call_is_tried_three_times_under_one_id_after_one_and_two_minutes(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Script("fails"), on_failure=QUEUE, dead_letters=DEAD_LETTERS)
    identifier = bench.accept()
    assert [call[2] for call in bench.script.calls] == [identifier] * 3
    assert bench.pace.waits == [60, 120]
    [(destination, record)] = bench.letters.records
    assert destination == QUEUE
    context = {"requestId": identifier, "condition": "RetriesExhausted", "approximateInvokeCount": 3}
    assert context.items() <= record["requestContext"].items()
    assert record["requestPayload"] == {"a": 1}
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    assert record["responsePayload"]["errorType"] == "DataFault"
    [(queue, payload, attributes)] = bench.letters.dead
    assert (queue, json.loads(payload)) == (DEAD_LETTERS, {"a": 1})
    assert attributes == {"RequestID": identifier, "ErrorCode": "200", "ErrorMessage": "row 3"}


def test_a_retry_that_works_ends_the_call(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Script("fails", "fine"), on_failure=QUEUE)
    bench.accept()
    assert (len(bench.script.calls), bench.letters.records) == (2, [])


def test_the_template_may_ask_for_no_retry(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Script("fails"), retries=0)
    bench.accept()
    assert (len(bench.script.calls), bench.pace.waits) == (1, [])


def test_a_throttled_call_waits_ever_longer_and_keeps_its_retries(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Script("throttled", "throttled", "throttled", "fails"), on_failure=QUEUE)
    bench.accept()
    assert bench.pace.waits == [1, 2, 4, 60, 120]
    assert bench.letters.records[0][1]["requestContext"]["approximateInvokeCount"] == 3


def test_a_call_that_is_throttled_for_too_long_is_given_up(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Script("throttled"), on_failure=QUEUE, dead_letters=DEAD_LETTERS, maximum_age_seconds=HOUR)
    bench.accept()
    assert max(bench.pace.waits) == 300
    [(_, record)] = bench.letters.records
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert "responsePayload" not in record
    assert len(bench.letters.dead) == 1


def test_a_function_can_be_the_destination(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Script("fine"), on_success=NEXT)
    bench.accept()
    (_, _, first), (name, payload, second) = bench.script.calls
    assert (name, payload["requestContext"]["requestId"]) == ("Next", first)
    assert first != second


def test_what_a_killed_stack_had_accepted_is_run_by_the_next(tmp_path: Path) -> None:
    left = {"request_id": "r-1", "function": "F", "payload": "{}", "accepted": 0.0, "attempts": 1}
    gone = {**left, "request_id": "r-2", "function": "Gone"}
    for event in (left, gone):
        (tmp_path / f"{event['request_id']}.json").write_text(json.dumps(event))
    bench = Bench(tmp_path, Script("fine"))

    async def nothing(_events: EventQueue) -> None:
        """Only what was left."""

    bench.run(nothing)
    assert bench.script.calls == [("F", {}, "r-1")]


def test_a_call_of_an_unknown_function_is_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Script("fine"))

    async def refused(events: EventQueue) -> None:
        with pytest.raises(FunctionNotFoundError):
            events.accept("Nobody", b"{}")

    bench.run(refused)
