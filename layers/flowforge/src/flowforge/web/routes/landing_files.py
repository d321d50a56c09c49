"""The files that lie in the landing folders of a workflow."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from sqlalchemy import RowMapping

from flowforge.lake.keys import landed_file, landing_folder, landing_key
from flowforge.lake.lake import ObjectVersion
from flowforge.metadata import audit
from flowforge.metadata.processed_files import read_files, reading_executions
from flowforge.metadata.refusals import InUse, NotThere
from flowforge.metadata.schema.catalog import FileStatus
from flowforge.metadata.workflows import workflow
from flowforge.model.base import Document
from flowforge.model.names import Identifier
from flowforge.web.access import Operator, Viewer
from flowforge.web.paging import Page
from flowforge.web.routes.workflows import Success
from flowforge.web.services import Used

router = APIRouter(prefix="/api/workflows/{workflow_id}/landing-files", tags=["landing files"])
MAX_FILES = 1000
ENTITY = "landing_file"
JobId = Annotated[Identifier, Path()]


class LandingFile(Document):
    """A file; ``size`` in bytes.

    ``status``, ``executionId`` and ``error`` tell what became of its newest version that a run has read; ``sha256`` is that of
    its content, and ``duplicateOf`` the name of an earlier file of the job with the same content. None while no run has read it.
    """

    filename: str
    full_path: str
    size: int
    last_modified: datetime
    s3_path: str
    status: FileStatus | None
    execution_id: str | None
    error: str | None
    sha256: str | None
    duplicate_of: str | None


class LandingFiles(Document):
    """Files by the id of their job, newest first; ``totalFiles`` counts those of all pages."""

    success: bool = True
    workflow_id: str
    total_files: int
    files_by_job: dict[str, list[LandingFile]]
    pagination: dict[str, int]


def landing_page(
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1, limit: Annotated[int, Query(ge=1, le=MAX_FILES)] = MAX_FILES
) -> Page:
    """The page that a request asks for; all of most workflows' files are on one."""
    return Page(page, limit)


@router.get("")
def list_files(
    services: Used,
    _caller: Viewer,
    workflow_id: str,
    page: Annotated[Page, Depends(landing_page)],
    job_id: Annotated[Identifier | None, Query(alias="jobId")] = None,
) -> LandingFiles:
    """The files, newest first."""
    with services.transaction() as connection:
        found = workflow(connection, workflow_id)
    objects = services.lake.list_objects(landing_folder(found.id))
    landed = [(item, place) for item in objects if (place := landed_file(item.key)) and job_id in (None, place[1])]
    landed.sort(key=lambda entry: (-entry[0].last_modified.timestamp(), entry[0].key))
    files: dict[str, list[LandingFile]] = {}
    shown = landed[page.offset : page.offset + page.limit]
    with services.transaction() as connection:
        read = read_files(connection, found.id, [item.key for item, _ in shown])
    for item, (_, job, name) in shown:
        files.setdefault(job, []).append(_shown(item, name, services.lake.uri(item.key), read.get(item.key)))
    return LandingFiles(workflow_id=found.id, total_files=len(landed), files_by_job=files, pagination=page.told(len(landed)))


@router.delete("/{job_id}/{file_name}")
def remove_file(services: Used, caller: Operator, workflow_id: str, job_id: JobId, file_name: str) -> Success:
    """Remove a file from landing, be its job deleted or not. The bucket keeps its versions for as long as its rules say.

    Refused while an execution reads it.
    """
    with services.transaction() as connection:
        found = workflow(connection, workflow_id)
        key = landing_key(found.id, job_id, file_name)
        reading = reading_executions(connection, found.id, job_id, key)
    if reading:
        raise InUse(f"the execution {reading[0]} reads {file_name}: cancel it, or wait for its end")
    version = services.lake.head(key)
    if version is None:
        raise NotThere(f"there is no file {file_name} in landing", option="fileName")
    services.lake.delete([key])
    with services.transaction() as connection:
        before = {"size": version.size_bytes, "etag": version.etag, "versionId": version.version_id}
        audit.write(connection, caller.actor, "delete", (ENTITY, key), before=before)
    return Success()


def _shown(item: ObjectVersion, name: str, uri: str, read: RowMapping | None) -> LandingFile:
    duplicate = None if read is None else read["duplicate_of"]
    told = {column: None if read is None else read[column] for column in ("status", "execution_id", "error", "sha256")}
    return LandingFile(
        filename=name,
        full_path=item.key,
        size=item.size_bytes,
        last_modified=item.last_modified,
        s3_path=uri,
        duplicate_of=None if duplicate is None else duplicate.rpartition("/")[2],
        **told,
    )
