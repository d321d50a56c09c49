"""The landing objects that were uploaded or read by jobs: which version of which key, in which execution, with what end."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    ScalarSelect,
    and_,
    case,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert

from flowforge.metadata.schema import executions, processed_files
from flowforge.metadata.schema.catalog import FileStatus
from flowforge.model.run_status import ACTIVE

MAX_PAGE = 1000


@dataclass(frozen=True)
class FileVersion:
    """A landing object. ``version_id`` is None in a bucket without versions, where the ETag tells one from another."""

    key: str
    etag: str
    size_bytes: int
    version_id: str | None = None
    sha256: str | None = None

    @property
    def version(self) -> str:
        """What tells this object from another one under its key."""
        return self.version_id or self.etag


def note_landed(connection: Connection, workflow_id: str, job_id: str, file: FileVersion) -> bool:
    """Take note of a file that was uploaded; False where it is known already, whatever became of it."""
    row = {
        "workflow_id": workflow_id,
        "job_id": job_id,
        "key": file.key,
        "version": file.version,
        "etag": file.etag,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
        "status": FileStatus.LANDED,
    }
    return connection.execute(insert(processed_files).values(row).on_conflict_do_nothing()).rowcount > 0


def reading_executions(connection: Connection, workflow_id: str, job_id: str, key: str) -> list[str]:
    """The executions that are under way and read any version of a landing object."""
    c = processed_files.c
    query = (
        select(c.execution_id)
        .join(executions, executions.c.id == c.execution_id)
        .where(c.workflow_id == workflow_id, c.job_id == job_id, c.key == key, executions.c.status.in_(ACTIVE))
    )
    return sorted(set(connection.scalars(query)))


def begin_files(connection: Connection, workflow_id: str, job_id: str, execution_id: str, files: Iterable[FileVersion]) -> None:
    """Take note that an execution reads these files.

    One that was completed stays completed, one that a later planned execution reads stays with that; what an execution
    told of a file before, its plan told again does not take back.
    """
    rows = _rows(workflow_id, job_id, execution_id, files, FileStatus.PROCESSING)
    if rows:
        statement = insert(processed_files)
        old, new = processed_files.c, statement.excluded
        earlier, later = _planned_at("processed_files"), _planned_at("excluded")
        is_last = or_(earlier.is_(None), later.is_(None), earlier <= later)
        taken = and_(old.execution_id.is_distinct_from(new.execution_id), old.status != FileStatus.COMPLETED, is_last)
        connection.execute(_taken_over(statement, taken), rows)


def complete_files(
    connection: Connection, workflow_id: str, job_id: str, execution_id: str, files: Iterable[FileVersion]
) -> None:
    """Take note that an execution has read these files to their end, whoever reads them too; the first by plan is named."""
    rows = _rows(workflow_id, job_id, execution_id, files, FileStatus.COMPLETED)
    if rows:
        statement = insert(processed_files)
        old = processed_files.c
        taken = or_(old.status != FileStatus.COMPLETED, _planned_at("excluded") < _planned_at("processed_files"))
        connection.execute(_taken_over(statement, taken), rows)


def _rows(
    workflow_id: str, job_id: str, execution_id: str, files: Iterable[FileVersion], status: FileStatus
) -> list[dict[str, Any]]:
    return [
        {
            "workflow_id": workflow_id,
            "job_id": job_id,
            "key": file.key,
            "version": file.version,
            "etag": file.etag,
            "size_bytes": file.size_bytes,
            "sha256": file.sha256,
            "status": status,
            "execution_id": execution_id,
            "ended_at": datetime.now(UTC) if status is FileStatus.COMPLETED else None,
        }
        for file in files
    ]


def _planned_at(row: Literal["processed_files", "excluded"]) -> ScalarSelect[Any]:
    """When the execution in a row was planned; by the row's name, since a column would bring its table into the query."""
    execution_id: ColumnElement[str] = literal_column(f"{row}.execution_id")
    return select(executions.c.planned_at).where(executions.c.id == execution_id).scalar_subquery()


def _taken_over(statement: Insert, taken: ColumnElement[bool]) -> Insert:
    """The statement, with the row that is there taken over where the condition holds; a hash is filled in always."""
    old, new = processed_files.c, statement.excluded
    moved: dict[str, Any] = {
        name: case((taken, new[name]), else_=old[name]) for name in ("status", "execution_id", "ended_at", "error")
    }
    moved["sha256"] = func.coalesce(old.sha256, new.sha256)
    return statement.on_conflict_do_update(index_elements=["workflow_id", "job_id", "key", "version"], set_=moved)


def end_files(connection: Connection, execution_id: str, job_id: str, status: FileStatus, error: str | None = None) -> int:
    """Take note of what became of the files that a job of an execution reads; how many. Completed ones stay completed."""
    mine = (processed_files.c.execution_id == execution_id) & (processed_files.c.job_id == job_id)
    ended = update(processed_files).where(mine, processed_files.c.status != FileStatus.COMPLETED)
    return connection.execute(ended.values(status=status, error=error, ended_at=func.now())).rowcount


def completed_versions(
    connection: Connection, workflow_id: str, job_id: str, files: Iterable[FileVersion]
) -> set[tuple[str, str]]:
    """Of these files, key and version of those that the job has read to their end."""
    wanted = [(file.key, file.version) for file in files]
    if not wanted:
        return set()
    c = processed_files.c
    query = select(c.key, c.version).where(
        c.workflow_id == workflow_id,
        c.job_id == job_id,
        c.status == FileStatus.COMPLETED,
        tuple_(c.key, c.version).in_(wanted),
    )
    return {(row.key, row.version) for row in connection.execute(query)}


def note_content(connection: Connection, workflow_id: str, job_id: str, file: FileVersion) -> None:
    """Fill in the hash of a file's content, which is known once somebody has read all of it."""
    c = processed_files.c
    mine = (c.workflow_id == workflow_id) & (c.job_id == job_id) & (c.key == file.key) & (c.version == file.version)
    connection.execute(update(processed_files).where(mine).values(sha256=file.sha256))


def same_content(
    connection: Connection, workflow_id: str, job_id: str, sha256: str, *, but: FileVersion | None = None
) -> list[RowMapping]:
    """The files of a job with that content, oldest first, whatever their names."""
    c = processed_files.c
    query = select(processed_files).where(c.workflow_id == workflow_id, c.job_id == job_id, c.sha256 == sha256)
    if but is not None:
        query = query.where(or_(c.key != but.key, c.version != but.version))
    return list(connection.execute(query.order_by(c.discovered_at, c.id)).mappings())


def file_page(
    connection: Connection, workflow_id: str, job_id: str | None = None, *, limit: int = 100, before_id: int | None = None
) -> list[RowMapping]:
    """The files of a workflow or a job, newest first; ``before_id`` is the last id of the page before."""
    c = processed_files.c
    query = select(processed_files).where(c.workflow_id == workflow_id)
    if job_id is not None:
        query = query.where(c.job_id == job_id)
    if before_id is not None:
        query = query.where(c.id < before_id)
    return list(connection.execute(query.order_by(c.id.desc()).limit(min(limit, MAX_PAGE))).mappings())
