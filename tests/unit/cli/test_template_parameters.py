"""Parameters of the template, as they are typed."""

from pathlib import Path

import pytest

from flowforge.cli.template_parameters import template_parameters
from flowforge.cli.usage import UsageError
from flowforge.local.project import find_project


def test_values_are_read_by_name_and_may_hold_anything() -> None:
    typed = ["ScheduleState=ENABLED", "ScheduleExpression=cron(0 9 * * ? *)", "EndpointUrl=http://a/?b=c"]
    assert template_parameters(typed, find_project()) == {
        "ScheduleState": "ENABLED",
        "ScheduleExpression": "cron(0 9 * * ? *)",
        "EndpointUrl": "http://a/?b=c",
    }


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("ScheduleState", "write NAME=VALUE"),
        ("Colour=red", "no such parameter; it has .*ScheduleState"),
        ("ScheduleState=on", "'on' is none of ENABLED, DISABLED"),
    ],
)
def test_what_the_template_does_not_take_is_wrong_usage(typed: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        template_parameters([typed], find_project())


def test_a_template_without_parameters_takes_none(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text("Resources: {}\n")
    assert template_parameters([], tmp_path) == {}
