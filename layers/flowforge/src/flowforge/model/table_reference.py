"""The name of another Silver table of the stage, as people write it in a job."""

import re
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

PART = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MOST_PARTS = 2


class SilverTableName(NamedTuple):
    """The slugs that a table's keys begin with."""

    workflow_slug: str
    job_slug: str


def _checked(text: str) -> str:
    parts = text.split("/")
    if len(parts) > MOST_PARTS or not all(PART.fullmatch(part) for part in parts):
        raise ValueError(f"{text!r} names no Silver table; write the job's slug, or workflow-slug/job-slug")
    return text


TableReference = Annotated[str, AfterValidator(_checked)]
"""``orders`` for a job of the same workflow, ``shop/orders`` for one of any."""


def resolve(reference: str, workflow_slug: str) -> SilverTableName:
    """The table that is meant in a workflow."""
    first, separator, second = reference.partition("/")
    return SilverTableName(first, second) if separator else SilverTableName(workflow_slug, first)
