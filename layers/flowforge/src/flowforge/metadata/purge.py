"""What has to be removed before a deleted workflow can be forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from flowforge.metadata.name_reservations import TABLE_KINDS
from flowforge.metadata.refusals import InUse, NotThere
from flowforge.metadata.schema import reserved_names, workflows
from flowforge.metadata.schema.workflows import ReservedName
from flowforge.model.layer import Layer


@dataclass(frozen=True)
class OwnedData:
    """What belongs to a workflow, be it of jobs that it has no longer: datasets by domain and name, tables by layer and name."""

    workflow_id: str
    slug: str
    datasets: Sequence[tuple[str, str]]
    tables: Sequence[tuple[Layer, str]]


def data_of_deleted(connection: Connection, workflow_id: str) -> OwnedData:
    """The data of a deleted workflow. Raises NotThere where there is none, InUse where it was not deleted."""
    row = connection.execute(select(workflows).where(workflows.c.id == workflow_id)).mappings().first()
    if row is None:
        raise NotThere(f"there is no workflow {workflow_id}", option="workflowId")
    if row["deleted_at"] is None:
        raise InUse(f"the workflow {row['name']} is not deleted: delete it first")
    c = reserved_names.c
    names = connection.execute(select(c.kind, c.name).where(c.workflow_id == workflow_id).order_by(c.kind, c.name)).all()
    layers = {kind: layer for layer, kind in TABLE_KINDS.items()}
    datasets = [(name.partition("/")[0], name.partition("/")[2]) for kind, name in names if kind is ReservedName.GOLD_DATASET]
    tables = [(layers[kind], name) for kind, name in names if kind in layers]
    return OwnedData(workflow_id, row["slug"], datasets, tables)
