"""The order of rows, as people write it: ``amount desc``."""

import re
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

TERM = re.compile(r"\s*(.+?)(?:\s+(asc|desc))?\s*", re.IGNORECASE | re.DOTALL)


class OrderTerm(NamedTuple):
    """A column and its direction. Null counts as smaller than every value, so it comes first, or last in ``desc``."""

    column: str
    descending: bool = False

    @classmethod
    def parse(cls, text: str) -> "OrderTerm":
        """Read ``amount``, ``amount asc`` or ``amount desc``. Raises ValueError for an empty text."""
        match = TERM.fullmatch(text)
        if not match:
            raise ValueError("orderBy: the name of a column is missing")
        return cls(match[1], (match[2] or "asc").lower() == "desc")


def _distinct(terms: tuple[str, ...]) -> tuple[str, ...]:
    names = [OrderTerm.parse(text).column for text in terms]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} stands there more than once")
    return terms


OrderTerms = Annotated[tuple[str, ...], AfterValidator(_distinct)]
"""Columns with their directions, the one that decides first in front."""
