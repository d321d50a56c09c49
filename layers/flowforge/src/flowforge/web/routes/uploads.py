"""Uploads: where to send a file, what has arrived, and what it looks like. No byte of a file passes through here."""

import uuid
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Path, status
from pydantic import Field
from sqlalchemy import Connection

from flowforge.lake.keys import safe_file_name
from flowforge.lake.lake import ObjectVersion
from flowforge.lake.uploads import (
    UPLOAD_METADATA,
    abort_parts,
    begin_parts,
    complete_parts,
    part_bytes,
    part_count,
    part_url,
    require_fixed_key,
    upload_form,
)
from flowforge.metadata import audit
from flowforge.metadata.processed_files import FileVersion, note_landed
from flowforge.metadata.refusals import InUse, NameTaken, NotThere
from flowforge.metadata.workflows import workflow
from flowforge.model.base import Document
from flowforge.model.job import Job
from flowforge.model.names import Identifier
from flowforge.model.source import SourceConfig
from flowforge.web.access import Operator
from flowforge.web.examination_views import FileExamination
from flowforge.web.landing_examination import examine
from flowforge.web.routes.workflows import Success
from flowforge.web.services import Services, Used
from flowforge.web.upload_handle import MAX_HANDLE_CHARACTERS, ContentType, Size, UploadHandle

router = APIRouter(prefix="/api/upload", tags=["upload"])
FORM_BYTES = 100_000_000
"""Up to here a file goes in one piece: a lost connection costs no more than that."""
VALID_SECONDS = 3600
URLS_AT_ONCE = 100
ENTITY = "landing_file"
UploadId = Annotated[str, Path(max_length=MAX_HANDLE_CHARACTERS)]


class UploadMethod(StrEnum):
    """By a form, in one piece, or by several puts."""

    FORM = "form"
    PARTS = "parts"


class UploadRequest(Document):
    """A file to be sent, by the name that it has where it comes from. ``replace`` allows one of that name to be there already."""

    workflow_id: Identifier
    job_id: Identifier
    file_name: Annotated[str, Field(min_length=1, max_length=4096)]
    size: Size
    content_type: ContentType = "application/octet-stream"
    replace: bool = False


class FormView(Document):
    """Post the ``fields`` to ``url`` as multipart/form-data, and the file behind them as the field ``file``."""

    url: str
    fields: dict[str, str]


class PartUrl(Document):
    """Where one part is put."""

    part_number: int
    url: str


class PartUrls(Document):
    """Where parts are put, until ``expiresAt``."""

    urls: list[PartUrl]
    expires_at: datetime


class PartsView(Document):
    """Put ``partSize`` bytes of the file to each address, the rest to the last. More addresses come from ``…/parts``."""

    part_size: int
    part_count: int
    urls: list[PartUrl]


class UploadView(Document):
    """How a file is sent. ``isReadByJob`` tells whether the job's pattern finds it under that name."""

    upload_id: str
    file_name: str
    filepath: str
    method: UploadMethod
    form: FormView | None = None
    parts: PartsView | None = None
    is_read_by_job: bool
    expires_at: datetime


class PartsRequest(Document):
    """Which parts are still to be sent."""

    part_numbers: Annotated[list[Annotated[int, Field(ge=1, le=10_000)]], Field(min_length=1, max_length=URLS_AT_ONCE)]


class CompleteRequest(Document):
    """How to read the file for a look at it, where that is not as the job says."""

    source_config: SourceConfig | None = None


class CompletedUpload(FileExamination):
    """The file that landed, and what it looks like."""

    success: bool = True
    filepath: str
    file_name: str
    size: int
    etag: str
    version_id: str | None


@router.post("", status_code=status.HTTP_201_CREATED)
def start_upload(services: Used, caller: Operator, given: UploadRequest) -> UploadView:
    """Say where a file is sent: a form up to 100 MB, parts above."""
    name = safe_file_name(given.file_name)
    with services.transaction() as connection:
        job = _job(connection, given.workflow_id, given.job_id)
    handle = UploadHandle(
        token=uuid.uuid4().hex,
        workflow_id=given.workflow_id,
        job_id=given.job_id,
        file_name=name,
        size=given.size,
        content_type=given.content_type,
        replace=given.replace,
    )
    require_fixed_key(handle.key)
    if not given.replace and services.lake.head(handle.key) is not None:
        raise NameTaken(f"{name} lies there already: send replace: true to put this one in its place", option="fileName")
    method: dict[str, Any]
    if given.size <= FORM_BYTES:
        form = upload_form(services.lake, handle.brought, seconds=VALID_SECONDS)
        method = {"method": UploadMethod.FORM, "form": FormView(url=form.url, fields=dict(form.fields))}
    else:
        handle = handle.model_copy(update={"parts_id": begin_parts(services.lake, handle.brought)})
        count = part_count(given.size)
        urls = _urls(services, handle, range(1, min(count, URLS_AT_ONCE) + 1))
        method = {
            "method": UploadMethod.PARTS,
            "parts": PartsView(part_size=part_bytes(given.size), part_count=count, urls=urls),
        }
    with services.transaction() as connection:
        audit.write(connection, caller.actor, "start_upload", (ENTITY, handle.key), after={"size": given.size})
    return UploadView(
        upload_id=handle.told(),
        file_name=name,
        filepath=handle.key,
        is_read_by_job=job.source_config.file_config.wants(name),
        expires_at=_expiry(),
        **method,
    )


@router.post("/{upload_id}/parts")
def sign_parts(services: Used, _caller: Operator, upload_id: UploadId, given: PartsRequest) -> PartUrls:
    """Say where more parts are sent, or again where those are whose addresses have ended."""
    handle = _handle(services, upload_id)
    count = part_count(handle.size)
    if handle.parts_id is None or max(given.part_numbers) > count:
        raise NotThere(f"the upload has {count if handle.parts_id else 'no'} parts", option="partNumbers")
    return PartUrls(urls=_urls(services, handle, given.part_numbers), expires_at=_expiry())


@router.post("/{upload_id}/complete")
def complete_upload(
    services: Used, caller: Operator, upload_id: UploadId, given: CompleteRequest | None = None
) -> CompletedUpload:
    """Make sure that the file landed, and look at it. Asked again, it looks again and changes nothing."""
    handle = UploadHandle.read(upload_id)
    with services.transaction() as connection:
        job = _job(connection, handle.workflow_id, handle.job_id)
    if handle.parts_id is not None:
        complete_parts(services.lake, handle.brought, handle.parts_id, replaces=handle.replace)
    version = _arrived(services, handle)
    file = FileVersion(version.key, version.etag, version.size_bytes, version.version_id)
    with services.transaction() as connection:
        if note_landed(connection, handle.workflow_id, handle.job_id, file):
            told = {"size": file.size_bytes, "etag": file.etag, "versionId": file.version_id}
            audit.write(connection, caller.actor, "complete_upload", (ENTITY, handle.key), after=told)
    config = (given.source_config if given else None) or job.source_config
    found = FileExamination.of(examine(services.lake, version, handle.file_name, config))
    return CompletedUpload(
        **dict(found),
        filepath=handle.key,
        file_name=handle.file_name,
        size=version.size_bytes,
        etag=version.etag,
        version_id=version.version_id,
    )


@router.delete("/{upload_id}")
def abort_upload(services: Used, caller: Operator, upload_id: UploadId) -> Success:
    """Give up an upload, with the parts that have arrived. A file that has landed stays."""
    handle = _handle(services, upload_id)
    if handle.parts_id is not None:
        abort_parts(services.lake, handle.key, handle.parts_id)
    with services.transaction() as connection:
        audit.write(connection, caller.actor, "abort_upload", (ENTITY, handle.key), before={"size": handle.size})
    return Success()


def _handle(services: Services, upload_id: str) -> UploadHandle:
    handle = UploadHandle.read(upload_id)
    with services.transaction() as connection:
        _job(connection, handle.workflow_id, handle.job_id)
    return handle


def _job(connection: Connection, workflow_id: str, job_id: str) -> Job:
    """The job. Raises NotThere."""
    for job in workflow(connection, workflow_id).jobs:
        if job.id == job_id:
            return job
    raise NotThere(f"the workflow {workflow_id} has no job {job_id}", option="jobId")


def _arrived(services: Services, handle: UploadHandle) -> ObjectVersion:
    """The object that the upload brought. Raises InUse where it is not there, or no longer."""
    version = services.lake.head(handle.key)
    if version is None or version.metadata.get(UPLOAD_METADATA) != handle.token:
        there = "has not arrived" if version is None else "has not arrived, or another one came after it"
        raise InUse(f"{handle.file_name} {there}: send it, or start a new upload", option="uploadId")
    return version


def _urls(services: Services, handle: UploadHandle, numbers: Any) -> list[PartUrl]:
    parts_id = handle.parts_id or ""
    return [
        PartUrl(part_number=number, url=part_url(services.lake, handle.key, parts_id, number, seconds=VALID_SECONDS))
        for number in numbers
    ]


def _expiry() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=VALID_SECONDS)
