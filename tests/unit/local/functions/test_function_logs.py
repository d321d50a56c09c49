"""What a function's log holds: its own lines between those of Lambda."""

import json
from pathlib import Path
from typing import Any

import pytest

from unit.local.functions_lab import MakeHost, lines_of


def test_what_a_function_prints_is_in_its_log_between_the_lines_of_lambda(make: MakeHost, state: Path) -> None:
    host = make()
    for kind in ("cold", "warm"):
        outcome = host.invoke("F", b'{"do": "print"}')
        identifier = outcome.request_id
        start, printed, end, report = lines_of(state, identifier)
        assert (start, printed) == (f"START RequestId: {identifier} Version: $LATEST", "a line of the handler")
        assert end == f"END RequestId: {identifier}"
        told = dict(part.split(": ") for part in report.split("\t"))
        assert told.pop("REPORT RequestId") == identifier
        assert told.pop("Memory Size") == "256 MB"
        assert 5 < int(told.pop("Max Memory Used").removesuffix(" MB")) < 256
        assert set(told) == {"Duration", "Billed Duration"} | ({"Init Duration"} if kind == "cold" else set())
        assert outcome.log_tail.decode().splitlines() == [start, printed, end, report]


def test_the_tail_of_a_log_is_its_last_four_kilobytes(make: MakeHost, state: Path) -> None:
    outcome = make().invoke("F", b'{"do": "chatter"}')
    assert len(outcome.log_tail) == 4096
    assert outcome.log_tail.splitlines()[-1].startswith(b"REPORT")
    assert len(lines_of(state, outcome.request_id)) == 10_003


@pytest.mark.parametrize(
    ("event", "line", "status"),
    [
        ({"do": "exit"}, "Runtime exited with error: exit status 3", "Status: error\tError Type: Runtime.ExitError"),
        ({"do": "wait", "here": "/dev/null", "until": "/nowhere"}, "Task timed out after 0.50 seconds", "Status: timeout"),
    ],
)
def test_the_log_tells_what_ended_a_process(make: MakeHost, event: dict[str, Any], line: str, status: str) -> None:
    last = make(timeout=0.5).invoke("F", json.dumps(event).encode()).log_tail.decode().splitlines()[-3:]
    assert last[0].endswith(line)
    assert last[2].endswith(status)


def test_a_line_that_is_no_text_and_one_without_an_end_are_kept(make: MakeHost, state: Path) -> None:
    outcome = make().invoke("F", b'{"do": "bytes"}')
    assert outcome.log_tail.splitlines()[1:3] == [rb"\xff\xfe", b"no end"]
    assert lines_of(state, outcome.request_id)[2] == "no end"
