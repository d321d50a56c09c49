"""docs/reference/cli.md says of the commands over the API what they are, and what they end with."""

import re

from flowforge.cli.api.errors import Ending
from flowforge.cli.dlq_commands import dlq
from flowforge.cli.execution_commands import execution
from flowforge.cli.token_commands import token
from flowforge.cli.workflow_commands import workflow
from flowforge.local.project import find_project

PAGE = (find_project() / "docs" / "reference" / "cli.md").read_text()
GROUPS = {"workflow": workflow, "execution": execution, "dlq": dlq, "token": token}


def test_every_command_over_the_api_stands_in_the_reference() -> None:
    there = {
        f"{group} {command.name or getattr(command.callback, '__name__', '')}"
        for group, app in GROUPS.items()
        for command in app.registered_commands
    }
    listed = re.findall(
        r"`((?:workflow|execution|dlq|token) [a-z]+)[^`]*`", PAGE.partition("## Commands")[2].partition("## Exit")[0]
    )
    assert set(listed) == there


def test_the_exit_codes_of_the_reference_are_those_of_the_code() -> None:
    codes = re.findall(r"^\| ([0-9]+) \|", PAGE.partition("## Exit codes")[2], re.MULTILINE)
    assert [int(code) for code in codes] == [ending.value for ending in Ending]
