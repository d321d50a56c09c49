"""Pages with exact totals, numbered from 1."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query

MAX_LIMIT = 200


@dataclass(frozen=True)
class Page:
    """Which page of how many rows."""

    number: int
    limit: int

    @property
    def offset(self) -> int:
        """The rows before the page."""
        return (self.number - 1) * self.limit

    def told(self, total: int) -> dict[str, int]:
        """The page as answers tell it."""
        return {"page": self.number, "limit": self.limit, "total": total, "pages": -(-total // self.limit)}


def page_of(page: Annotated[int, Query(ge=1, le=1_000_000)] = 1, limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50) -> Page:
    """The page that a request asks for."""
    return Page(page, limit)


Paged = Annotated[Page, Depends(page_of)]
