"""Columns that could be a table's primary key, by their values in a sample and by their names.

The score follows what FlowForge has shown its users: how many values differ (50, or 40 from 95 %), how many are there (20, or 15
from 95 %), whether the name looks like an identifier's (15), and the type (15 for integers, 10 for text).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from flowforge.medallion.casts import blank_is_null
from flowforge.model.contract import DataType, Type

LEAST_SCORE = 50
LEAST_UNIQUE = 0.95
MOST_EMPTY, FEW_EMPTY = 0.10, 0.05
LIKE_AN_ID = re.compile(r"(^|[_\s.-])(id|key|code|no|num|number|uuid|guid|sku|isbn)$|[a-z](Id|ID|Key|Code|No|Number)$", re.ASCII)
TYPE_SCORE = {Type.INTEGER: 15, Type.TEXT: 10}
HIGH, MEDIUM = 90, 70


class Confidence(StrEnum):
    """How sure the choice is, by the score: from 90, from 70, from 50."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True)
class KeyCandidate:
    """A column; ``unique_share`` is that of its values, ``empty_share`` that of the rows without one; ``score`` is 50 to 100."""

    column: str
    score: int
    confidence: Confidence
    unique_share: float
    empty_share: float


def key_candidates(rows: pl.DataFrame, types: Mapping[str, DataType]) -> list[KeyCandidate]:
    """The columns of a sample that could be the key, best first, then in their order; none where there are no rows."""
    found = []
    for column, data_type in types.items():
        values = rows[column]
        if not rows.height or values.dtype.is_nested():
            continue
        filled = rows.select(blank_is_null(pl.col(column)))[column] if values.dtype == pl.String else values
        present = filled.drop_nulls()
        empty = 1 - len(present) / rows.height
        unique = present.n_unique() / len(present) if len(present) else 0.0
        if unique < LEAST_UNIQUE or empty >= MOST_EMPTY:
            continue
        score = (50 if unique == 1 else 40) + (20 if not empty else 15 if empty < FEW_EMPTY else 0)
        score += 15 * bool(LIKE_AN_ID.search(column)) + TYPE_SCORE.get(data_type.type, 0)
        if score >= LEAST_SCORE:
            confidence = Confidence.HIGH if score >= HIGH else Confidence.MEDIUM if score >= MEDIUM else Confidence.LOW
            found.append(KeyCandidate(column, score, confidence, unique, empty))
    return sorted(found, key=lambda candidate: -candidate.score)
