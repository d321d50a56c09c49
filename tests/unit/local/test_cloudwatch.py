"""Sending function logs: what the service refuses is told, and never stands in the way of a call."""

import logging
from typing import Any

import pytest
from botocore.exceptions import ClientError

from flowforge.local.cloudwatch import CloudWatch
from flowforge.local.function_logs import LogLine


def line(message: str, stream: str = "s") -> LogLine:
    return LogLine(1, "F", stream, "r-1", "", message)


class Service:
    """CloudWatch Logs that forgets everything where a test asks for it."""

    def __init__(self) -> None:
        self.groups: set[str] = set()
        self.events: list[tuple[str, str, str]] = []
        self.broken = False

    def create_log_group(self, logGroupName: str) -> None:  # noqa: N803 -- boto3's name
        if logGroupName in self.groups:
            raise ClientError({"Error": {"Code": "ResourceAlreadyExistsException"}}, "CreateLogGroup")
        self.groups.add(logGroupName)

    def create_log_stream(self, **_names: str) -> None:
        """Always a new one."""

    def put_log_events(self, *, logGroupName: str, logStreamName: str, logEvents: list[dict[str, Any]]) -> None:  # noqa: N803
        if self.broken:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "PutLogEvents")
        self.events += [(logGroupName, logStreamName, event["message"]) for event in logEvents]


def sent(service: Service, *lines: LogLine) -> None:
    """Send lines to their end."""
    cloudwatch = CloudWatch({"F": "/shop/f"}, lambda _name: service)
    for item in lines:
        cloudwatch.send([item])
    cloudwatch.start()
    cloudwatch.close()


def test_lines_arrive_in_their_streams_in_order() -> None:
    service = Service()
    service.groups.add("/shop/f")
    sent(service, line("1", "a"), line("2", "b"), line("3", "a"), line("", "b"))
    assert service.events == [("/shop/f", "a", "1"), ("/shop/f", "a", "3"), ("/shop/f", "b", "2"), ("/shop/f", "b", " ")]


def test_lines_of_something_without_a_log_group_stay_in_their_files() -> None:
    service = Service()
    sent(service, LogLine(1, "task", "s", "", "", "1"), line("2"))
    assert service.events == [("/shop/f", "s", "2")]


def test_lines_that_are_refused_are_told_in_the_log_of_the_stack(caplog: pytest.LogCaptureFixture) -> None:
    service = Service()
    service.broken = True
    with caplog.at_level(logging.WARNING, "flowforge.local"):
        sent(service, line("1"))
    assert "1 lines of /shop/f did not reach CloudWatch Logs" in caplog.text


def test_a_sender_that_was_never_started_can_be_closed() -> None:
    CloudWatch({}, lambda _name: None).close()
