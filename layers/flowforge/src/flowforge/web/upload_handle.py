"""An upload's id, which says all that is to be known of it, so that nothing about it has to be kept (docs/adr/0029)."""

import base64
import binascii
from typing import Annotated, Self

from pydantic import Field, ValidationError

from flowforge.lake.keys import landing_key
from flowforge.lake.uploads import NewObject
from flowforge.metadata.refusals import NotThere
from flowforge.model.base import Document
from flowforge.model.names import Identifier

MAX_UPLOAD_BYTES = 5 << 40
"""S3's objects had this limit for long, and every part of it is uploaded by one person's browser."""
MAX_HANDLE_CHARACTERS = 4000
ContentType = Annotated[str, Field(pattern=r"^[A-Za-z0-9.+-]{1,80}/[A-Za-z0-9.+_-]{1,120}$")]
Size = Annotated[int, Field(ge=1, le=MAX_UPLOAD_BYTES)]


class UploadHandle(Document):
    """One upload: for which job, of which file. ``parts_id`` is S3's id of an upload in parts; None for a form.

    It is no secret and proves nothing: whoever sends it is asked for their role, and the job for its landing folder, each time.
    """

    token: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    workflow_id: Identifier
    job_id: Identifier
    file_name: Annotated[str, Field(min_length=1, max_length=255)]
    size: Size
    content_type: ContentType
    replace: bool
    parts_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._=+-]{1,1000}$")] | None = None

    @property
    def key(self) -> str:
        """Where the file lands."""
        return landing_key(self.workflow_id, self.job_id, self.file_name)

    @property
    def brought(self) -> NewObject:
        """The object that it brings."""
        return NewObject(self.key, self.size, self.content_type, self.token)

    def told(self) -> str:
        """The id, as it stands in an address."""
        return base64.urlsafe_b64encode(self.model_dump_json(by_alias=True, exclude_none=True).encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> Self:
        """The upload of an id. Raises NotThere for what is none."""
        try:
            if len(text) > MAX_HANDLE_CHARACTERS:
                raise ValueError(text)
            raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
            return cls.model_validate_json(raw)
        except (ValueError, ValidationError, binascii.Error) as error:
            raise NotThere("there is no such upload", option="uploadId") from error
