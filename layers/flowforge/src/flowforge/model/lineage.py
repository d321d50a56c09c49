"""Where the rows of a dataset come from: the objects that a step read, and the columns that each column was made of."""

from typing import Annotated, Literal

from pydantic import Field

from flowforge.model.base import Document


class Parent(Document):
    """An object that a step read, in the version that it read.

    ``sha256`` is that of a source file's bytes as they landed; the objects of a layer are told by their ETag.
    """

    role: Literal["landing", "bronze", "silver", "gold"]
    key: str
    etag: str
    version_id: str | None = None
    size_bytes: Annotated[int, Field(ge=0)]
    sha256: str | None = None


class ColumnOrigin(Document):
    """A column of a dataset, its type in Athena, and the columns of the parents that it was made of (none: the product's own)."""

    column: str
    type: str
    origins: tuple[str, ...] = ()
