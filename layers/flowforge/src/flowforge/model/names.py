"""Names that people give and names that the product keeps for itself."""

from typing import Annotated

from pydantic import Field

from flowforge.model.slug import MAX_SLUG_LENGTH, slugify

AUDIT_COLUMNS = ("_ingested_at", "_source_file", "_row_number", "_run_id")
RESERVED_PREFIX = "_"
RESERVED_NAMES = (*AUDIT_COLUMNS, "_position", "_failed_rules", "_reason", "_row_count", "_snapshot_date")
Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=MAX_SLUG_LENGTH)]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,80}$")]
OneCharacter = Annotated[str, Field(min_length=1, max_length=1)]


def is_pattern(column: str) -> bool:
    """Whether the engine would take a column's name for a pattern of names."""
    return column == "*" or (column.startswith("^") and column.endswith("$"))


def with_slug(value: object) -> object:
    """Add the slug that follows from the name where a definition states none."""
    if isinstance(value, dict) and "slug" not in value and isinstance(value.get("name"), str):
        return {**value, "slug": slugify(value["name"])}
    return value
