"""Storing a workflow and landing its files, as any client of the product does it."""

from collections.abc import Mapping
from pathlib import Path

from flowforge.cli.untrusted import printable
from flowforge.cli.usage import UsageError
from flowforge.lake.lake import Lake
from flowforge.metadata.audit import SYSTEM
from flowforge.metadata.database import Database
from flowforge.metadata.stored_workflow import StoredWorkflow
from flowforge.metadata.workflow_saving import save_workflow
from flowforge.model.environment import Environment
from flowforge.model.workflow import Workflow


def store(database: Database, workflow: Workflow) -> StoredWorkflow:
    """Store a definition, without triggers where it is new. Raises a Refusal or ConfigFault."""
    with database.transaction() as connection:
        return save_workflow(connection, SYSTEM, Environment.DEV, workflow)


def land(lake: Lake, stored: StoredWorkflow, files: Mapping[str, Mapping[str, Path]]) -> None:
    """Store each file under its landing key. Raises UsageError where a file's arrival would start an execution of its own."""
    workflow = stored.workflow()
    for job_id in files:
        if workflow.starts_on_arrival(job_id) and not stored.settings.paused:
            raise UsageError(
                f"the workflow {printable(stored.name)} starts when a file arrives, so this would run it twice: upload its "
                "files, or pause it first"
            )
    for keys in files.values():
        for key, path in keys.items():
            lake.client.upload_file(str(path), lake.bucket, key)
