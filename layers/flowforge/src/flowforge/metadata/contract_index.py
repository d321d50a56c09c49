"""Which versions of a job's contract lie in the lake; the objects themselves are what counts."""

from sqlalchemy import Connection, RowMapping, select
from sqlalchemy.dialects.postgresql import insert

from flowforge.metadata.schema import contracts


def note_contract(
    connection: Connection,
    workflow_id: str,
    job_id: str,
    version: int,
    object_key: str,
    *,
    column_count: int | None = None,
    by: str = "",
) -> None:
    """Take note of a version, which never changes: told again, it stays as it is. The job must be there."""
    values = {
        "workflow_id": workflow_id,
        "job_id": job_id,
        "version": version,
        "object_key": object_key,
        "column_count": column_count,
        "created_by": by,
    }
    connection.execute(insert(contracts).values(values).on_conflict_do_nothing())


def contract_versions(connection: Connection, workflow_id: str, job_id: str) -> list[RowMapping]:
    """The versions of a job's contract, the newest first."""
    query = select(contracts).where(contracts.c.workflow_id == workflow_id, contracts.c.job_id == job_id)
    return list(connection.execute(query.order_by(contracts.c.version.desc())).mappings())
