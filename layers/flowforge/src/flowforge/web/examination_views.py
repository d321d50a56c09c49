"""What was found in a landed file, as the API shows it."""

from typing import Any, Self

import polars as pl
from pydantic import Field

from flowforge.medallion.canonical_text import canonical_text
from flowforge.medallion.casts import blank_is_null
from flowforge.medallion.head_examination import Examined
from flowforge.medallion.key_candidates import Confidence, KeyCandidate, key_candidates
from flowforge.model.base import Document
from flowforge.model.compression import CompressionType
from flowforge.model.source_format import SourceFormat
from flowforge.web.landing_examination import Findings

SAMPLES = 3
PREVIEW_ROWS, PREVIEW_CELLS = 20, 2000
"""An answer of a function behind a load balancer has one megabyte."""
SHOWN_CHARACTERS = 100

Cell = str | int | float | bool | None


class ExaminedColumn(Document):
    """A column: the type that Silver would give it by these rows, the form of its dates, the share of rows without a value."""

    name: str
    type: str
    format: str | None
    null_share: float
    sample: list[str]


class KeyCandidateView(Document):
    """A column that could be the primary key."""

    column: str
    score: int
    confidence: Confidence
    unique_share: float
    null_share: float

    @classmethod
    def of(cls, found: KeyCandidate) -> Self:
        """Show a candidate."""
        return cls(
            column=found.column,
            score=found.score,
            confidence=found.confidence,
            unique_share=found.unique_share,
            null_share=found.empty_share,
        )


class FileExamination(Document):
    """What the start of a file shows, or all of it where ``isWhole``.

    ``fault`` is why a run would refuse it. ``rowCount`` counts the rows that were looked at and ``malformedRows`` those of them
    that cannot be read; ``estimatedRows`` is for the whole file.
    """

    format: SourceFormat | None
    compression: CompressionType
    encoding: str | None = None
    delimiter: str | None = None
    fault: str | None
    notes: list[str]
    is_whole: bool = False
    row_count: int = 0
    estimated_rows: int | None = None
    malformed_rows: int = 0
    column_count: int = 0
    columns: list[ExaminedColumn] = Field(default_factory=list)
    preview: list[dict[str, Cell]] = Field(default_factory=list)
    primary_key_analysis: list[KeyCandidateView] = Field(default_factory=list)

    @classmethod
    def of(cls, findings: Findings) -> Self:
        """Show what was found."""
        shown: dict[str, Any] = {
            "format": findings.format,
            "compression": findings.compression,
            "fault": findings.fault,
            "notes": list(findings.notes),
        }
        examined = findings.examined
        if examined is None:
            return cls(**shown)
        return cls(
            **shown,
            encoding=examined.encoding,
            delimiter=examined.delimiter,
            is_whole=examined.is_whole,
            row_count=examined.records,
            estimated_rows=findings.estimated_rows,
            malformed_rows=examined.malformed,
            column_count=examined.columns,
            columns=_columns(examined),
            preview=_preview(examined.rows),
            primary_key_analysis=[KeyCandidateView.of(found) for found in key_candidates(examined.rows, examined.types)],
        )


def _columns(examined: Examined) -> list[ExaminedColumn]:
    rows = examined.rows
    filled = rows.select(blank_is_null(pl.col(name)) if rows[name].dtype == pl.String else pl.col(name) for name in rows.columns)
    return [
        ExaminedColumn(
            name=name,
            type=str(data_type),
            format=data_type.format,
            null_share=filled[name].null_count() / rows.height if rows.height else 0.0,
            sample=_samples(filled[name].drop_nulls()),
        )
        for name, data_type in examined.types.items()
    ]


def _samples(values: pl.Series) -> list[str]:
    """The first values of a column that differ, as text."""
    texts = values.head(100).to_frame().select(canonical_text(pl.col(values.name), values.dtype)).to_series()
    return [text[:SHOWN_CHARACTERS] for text in texts.drop_nulls().unique(maintain_order=True).head(SAMPLES)]


def _preview(rows: pl.DataFrame) -> list[dict[str, Cell]]:
    """The first rows: numbers and booleans as JSON has them, everything else as text, long texts shortened."""
    if not rows.width:
        return []
    shown = rows.head(max(1, min(PREVIEW_ROWS, PREVIEW_CELLS // rows.width)))
    return shown.select(_cell(name, dtype) for name, dtype in shown.schema.items()).to_dicts()


def _cell(name: str, dtype: pl.DataType) -> pl.Expr:
    value = pl.col(name)
    if dtype.is_float():
        # JSON has no word for what is no number, nor for infinity.
        return pl.when(value.is_finite()).then(value).alias(name)
    if dtype.is_integer() or dtype == pl.Boolean:
        return value
    return canonical_text(value, dtype).str.slice(0, SHOWN_CHARACTERS).alias(name)
