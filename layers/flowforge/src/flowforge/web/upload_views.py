"""What clients send and get when they upload a file."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from flowforge.model.base import Document
from flowforge.model.names import Identifier
from flowforge.model.source import SourceConfig
from flowforge.web.examination_views import FileExamination
from flowforge.web.upload_handle import ContentType, Size

URLS_AT_ONCE = 100
"""A signed address has some 500 characters, and an answer one megabyte."""


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
