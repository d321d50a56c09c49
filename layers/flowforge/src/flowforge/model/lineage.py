"""Where the rows of a dataset come from: the objects that a step read, and the columns that each column was made of.

Kept beside the step's result and not in it: the state machine takes a result of 256 KiB at the most.
"""

from typing import Annotated, Literal

from pydantic import Field

from flowforge.model.base import Document


class Parent(Document):
    """An object that a step read, in the version that it read.

    ``sha256`` is that of a source file's bytes as they landed; the objects of a layer are told by their ETag.
    """

    role: Literal["landing", "bronze", "silver", "quarantine"]
    key: str
    etag: str
    version_id: str | None = None
    size_bytes: Annotated[int, Field(ge=0)]
    sha256: str | None = None


class ColumnOrigin(Document):
    """A column of a dataset, its type in Athena, and the columns of the parents that it was made of (none: the product's own).

    A column of another table, by a lookup or a statement over several, is ``workflow/job.column``.
    """

    column: str
    type: str
    origins: tuple[str, ...] = ()


class Lineage(Document):
    """What is told of a step's rows. Of a rebuild and a replay also the files that the rows first came from."""

    schema_version: Literal[1] = 1
    parents: tuple[Parent, ...] = ()
    columns: tuple[ColumnOrigin, ...] = ()
