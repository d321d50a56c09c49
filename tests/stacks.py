"""As much of a stack as commands need before they start an execution."""

from typing import Any, cast

from databases import ANNA
from flowforge.lake.lake import Lake
from flowforge.local.connection import StackConnection
from flowforge.metadata.database import Database
from flowforge.metadata.workflow_saving import save_workflow
from flowforge.metadata.workflows import update_workflow
from flowforge.model.environment import Environment
from flowforge.model.workflow import Workflow, read_workflow
from lab import Lab


class StackOfLake:
    """A lake and a database, and no service."""

    def __init__(self, lake: Lake, database: Database) -> None:
        self._lake, self._database = lake, database

    def lake(self) -> Lake:
        return self._lake

    def database(self, **_: Any) -> Database:
        return self._database


def stack_of(lab: Lab, database: Database) -> StackConnection:
    """The stack whose workflow is that of a lab, as it is now."""
    with database.transaction() as connection:
        save_workflow(connection, ANNA, Environment.DEV, read_workflow(lab.definition(), origin="the test"))
    return cast(StackConnection, StackOfLake(lab.lake, database))


def store(stack: StackConnection, workflow: Workflow, *, triggers: list[dict[str, str]] | None = None) -> None:
    """Put a definition into the database of a stack; with triggers where they are given."""
    database = stack.database()
    try:
        with database.transaction() as connection:
            stored = save_workflow(connection, ANNA, Environment.DEV, workflow)
            if triggers is not None:
                update_workflow(connection, ANNA, stored.id, version=stored.version, triggers=triggers)
    finally:
        database.close()
