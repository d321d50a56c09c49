"""The reference page of the local Step Functions service, made from the tables that the service itself works by.

``python -m flowforge.local.states.document`` prints it.
"""

import inspect
import sys
from collections.abc import Iterable, Sequence

from flowforge.local.states import fields
from flowforge.local.states.api import OPERATIONS
from flowforge.local.states.differences import DIFFERENCES, REFUSALS
from flowforge.local.states.history import MAXIMAL_EVENTS
from flowforge.local.states.integrations import LambdaInvoke
from flowforge.local.states.jsonata import DEPTH, TIMEOUT_MILLISECONDS
from flowforge.local.states.jsonata_functions import CHANGED_FUNCTIONS, RANGE_LIMIT
from flowforge.local.states.map_state import CONCURRENCY_LIMIT
from flowforge.local.states.nested import StartExecution, StartExecutionAndWait
from flowforge.local.states.payload import DATA_LIMIT_BYTES, VARIABLES_LIMIT_BYTES
from flowforge.local.states.run_task import RunTaskAndWait
from flowforge.local.states.service_integrations import GetObject, Publish, PutEvents, SendMessage

TITLE = "What the laptop does as AWS does, what it refuses, what differs"
INTEGRATIONS = (
    LambdaInvoke,
    RunTaskAndWait,
    SendMessage,
    Publish,
    PutEvents,
    GetObject,
    StartExecution,
    StartExecutionAndWait,
)

_INTRODUCTION = """\
The local stack has its own Step Functions service for the part of the language that the product uses. What it accepts
goes as on AWS; everything else is refused when a state machine is created, with the place where it stands. Behaviour is
judged by histories that were recorded on AWS (`tests/statemachine/cases`).

This page is made from the service's own tables by `python -m flowforge.local.states.document`; a test compares the two.
"""


def page() -> str:
    """The whole page, as Markdown."""
    sections = [
        f"# {TITLE}",
        _INTRODUCTION.strip(),
        "## States and their fields",
        _table(("state", "fields"), _fields()),
        "## What a task can call",
        _table(("resource", "what it does", "arguments"), _integrations()),
        "A task can also name a function by its own ARN; its answer is then the result itself.",
        "## Functions that JSONata does not have, or has otherwise",
        _table(("function", "what it does"), _functions()),
        "## Operations",
        ", ".join(f"`{name}`" for name in sorted(OPERATIONS)) + ".",
        "## Limits",
        _table(("limit", "value"), _limits()),
        "## What is refused",
        _table(("what", "how"), REFUSALS),
        "## What differs",
        _table(("what", "on AWS", "on the laptop"), DIFFERENCES),
    ]
    return "\n\n".join(sections) + "\n"


def _fields() -> Iterable[Sequence[str]]:
    owners = {
        "the state machine": fields.MACHINE_FIELDS,
        **fields.STATE_FIELDS,
        "a choice rule": fields.RULE_FIELDS,
        "a retrier": fields.RETRIER_FIELDS,
        "a catcher": fields.CATCHER_FIELDS,
        "an item processor": fields.PROCESSOR_FIELDS,
        "a branch": fields.BRANCH_FIELDS,
    }
    return [(owner, _code(names)) for owner, names in owners.items()]


def _integrations() -> Iterable[Sequence[str]]:
    for integration in INTEGRATIONS:
        names = integration.names
        required = [f"**`{name}`**" for name in names.required]
        others = [f"`{name}`" for name in names.allowed if name not in names.required]
        told = inspect.getdoc(integration) or ""
        summary = " ".join(told.split("\n\n")[0].split()).partition("``: ")[2]
        yield f"`{integration.arn}`", summary.rstrip("."), ", ".join([*required, *others])


def _functions() -> Iterable[Sequence[str]]:
    for name, function in CHANGED_FUNCTIONS.items():
        yield f"`${name}`", " ".join((inspect.getdoc(function) or "").split()).replace("``", "`")


def _limits() -> Iterable[Sequence[str]]:
    yield "input, output and result of a state; variables that one state assigns", f"{DATA_LIMIT_BYTES:,} bytes"
    yield "variables of an execution", f"{VARIABLES_LIMIT_BYTES:,} bytes"
    yield "events of an execution", f"{MAXIMAL_EVENTS:,}"
    yield "iterations of a map at once", str(CONCURRENCY_LIMIT)
    yield "values of `$range`", f"{RANGE_LIMIT:,}"
    yield "time of an expression", f"{TIMEOUT_MILLISECONDS / 1000:g} s"
    yield "depth of an expression", str(DEPTH)
    yield "time limits and waits", f"{fields.MAXIMAL_SECONDS:,} s"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    sys.stdout.write(page())
