"""The states of executions, jobs and steps, in the order in which a later one replaces an earlier one."""

import re
from enum import StrEnum

_REDRIVEN = re.compile(r"(?P<id>.+)-r(?P<number>[1-9][0-9]{0,8})")


class ExecutionStatus(StrEnum):
    """Declared in the order of rank; the database's type has the same order.

    The state machine is right where it and the record of the run differ: an execution that recorded its success may still be
    stopped or fail while it tells of it. So ``failed`` ranks above ``succeeded``, and ``cancelled`` above both.
    """

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether the execution has ended, until a redrive."""
        return self not in ACTIVE


ACTIVE = (ExecutionStatus.PENDING, ExecutionStatus.RUNNING)
"""An execution that holds back others of its workflow, and its workflow's deletion."""


class JobStatus(StrEnum):
    """The state of a job or of a step, in the order of rank.

    ``skipped`` and ``cancelled`` are concluded from the end of the execution, so what was told of the work itself ranks above.
    """

    PENDING = "pending"
    RUNNING = "running"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Teller(StrEnum):
    """Who told the state of an execution: Step Functions itself, which knows less, or the record that the run made."""

    MACHINE = "machine"
    RECORD = "record"


def execution_name(execution_id: str, redrive: int) -> str:
    """What the state machine calls an execution: its id, with the number of the redrive behind it from the first one on."""
    return execution_id if redrive == 0 else f"{execution_id}-r{redrive}"


def execution_of(name: str) -> tuple[str, int]:
    """The id and the redrive number of a state machine's execution."""
    found = _REDRIVEN.fullmatch(name)
    return (found["id"], int(found["number"])) if found else (name, 0)
