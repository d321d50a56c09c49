"""The event by which S3 tells that an object was created, as EventBridge delivers it.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html. Keys are not URL-encoded, unlike in S3's own notifications.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _EventPart(BaseModel):
    """A part of a document that AWS makes: fields that we do not know are its right."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class CreatedObject(_EventPart):
    """The object. ``version_id`` is there in a versioned bucket; ``sequencer`` orders the events of one key."""

    key: Annotated[str, Field(min_length=1)]
    etag: str = ""
    version_id: Annotated[str | None, Field(alias="version-id")] = None
    sequencer: str = ""

    @property
    def version(self) -> str:
        """What tells this object from another one under the same key."""
        return self.version_id or f"{self.etag}:{self.sequencer}"


class Bucket(_EventPart):
    """The bucket."""

    name: str


class ArrivalDetail(_EventPart):
    """What happened where."""

    bucket: Bucket
    object: CreatedObject


class ArrivalEvent(_EventPart):
    """The event."""

    source: Literal["aws.s3"]
    detail_type: Annotated[Literal["Object Created"], Field(alias="detail-type")]
    detail: ArrivalDetail
