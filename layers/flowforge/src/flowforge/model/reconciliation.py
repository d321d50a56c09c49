"""Reconciliation: two layers are compared by a figure, and Gold is published only where they agree."""

from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from flowforge.model.base import Document
from flowforge.model.layer import Layer
from flowforge.model.names import Identifier

PERCENT = "%"


class Check(StrEnum):
    """Which figure: the number of rows, the exact sum of a column, or a hash of rows that does not depend on their order."""

    COUNT = "count"
    SUM = "sum"
    HASH = "hash"


class Tolerance:
    """How far two figures may lie apart: an absolute figure, or per cent of the first one."""

    def __init__(self, text: str) -> None:
        self.is_percentage = text.endswith(PERCENT)
        try:
            self.limit = Decimal(text.removesuffix(PERCENT).strip())
        except InvalidOperation as error:
            raise ValueError(f"{text!r} is no tolerance; write a number, or a percentage such as 0.5%") from error
        if not self.limit.is_finite() or self.limit < 0:
            raise ValueError(f"{text!r} is no tolerance: it is not below zero, and not endless")

    def admits(self, left: Decimal, right: Decimal) -> bool:
        """Whether the right figure is near enough to the left one. Of nothing every percentage is nothing."""
        allowed = abs(left) * self.limit / 100 if self.is_percentage else self.limit
        return abs(left - right) <= allowed


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _is_tolerance(text: str) -> str:
    Tolerance(text)
    return text


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _is_compared(layer: Layer) -> Layer:
    if layer is Layer.QUARANTINE:
        raise ValueError("what was set aside is in no other layer; compare source, bronze, silver or gold")
    return layer


Columns = Annotated[tuple[str, ...], BeforeValidator(_one_or_many, json_schema_input_type=str | tuple[str, ...])]
ComparedLayer = Annotated[Layer, AfterValidator(_is_compared)]
ToleranceText = Annotated[str, BeforeValidator(_as_text, json_schema_input_type=int | float | str), AfterValidator(_is_tolerance)]


class ReconciliationRule(Document):
    """A comparison that gates the Gold of the job that states it.

    The jobs are ids of the same workflow, this one without them. Columns carry their names in Silver, in Gold those of the
    dataset; ``targetColumn`` is for a target where they are called otherwise.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    check: Check | None = None
    source_job: Identifier | None = None
    source_layer: ComparedLayer = Layer.BRONZE
    target_job: Identifier | None = None
    target_layer: ComparedLayer = Layer.GOLD
    reconciliation_column: Columns = ()
    target_column: Columns = ()
    tolerance: ToleranceText = "0"

    @property
    def figure(self) -> Check:
        """What is compared: as stated; otherwise the sum of the column, or the number of rows where none is named."""
        return self.check or (Check.SUM if self.reconciliation_column else Check.COUNT)

    @property
    def columns_of_target(self) -> tuple[str, ...]:
        """The names of the columns in the target."""
        return self.target_column or self.reconciliation_column

    @model_validator(mode="after")
    def _figure_has_its_columns(self) -> Self:
        named, check = len(self.reconciliation_column), self.figure
        if check is Check.COUNT and (named or self.target_column):
            raise ValueError(f"{self.name}: count counts rows; leave the columns out")
        if check is Check.SUM and (named != 1 or len(self.columns_of_target) != 1):
            raise ValueError(f"{self.name}: sum needs one reconciliationColumn")
        if check is Check.HASH and (named == 0 or len(self.columns_of_target) != named):
            raise ValueError(f"{self.name}: hash needs its columns in reconciliationColumn, and as many in targetColumn if any")
        if check is Check.HASH and Tolerance(self.tolerance).limit:
            raise ValueError(f"{self.name}: two hashes are the same or not; a tolerance says nothing of them")
        if check is not Check.COUNT and Layer.SOURCE in (self.source_layer, self.target_layer):
            raise ValueError(
                f"{self.name}: the files of the source are counted and not read; compare with bronze, which keeps them"
            )
        if (self.source_job, self.source_layer) == (self.target_job, self.target_layer) and not self.target_column:
            raise ValueError(f"{self.name}: compares {self.source_layer} with itself")
        return self


class ReconciliationTerm(Document):
    """One side: where the figure was taken, of which columns, and the figure, exact as text."""

    job_id: str
    layer: Layer
    columns: tuple[str, ...] = ()
    value: str


class ReconciliationOutcome(Document):
    """What a rule found. ``difference`` is left less right, and absent for hashes."""

    rule: str
    check: Check
    left: ReconciliationTerm
    right: ReconciliationTerm
    difference: str | None = None
    tolerance: str
    passed: bool


class ReconciliationRecord(Document):
    """Every rule of a job's run with its terms, stored under ``runs/`` whether they agree or not."""

    schema_version: int = 1
    execution_id: str
    job_id: str
    run_id: str
    outcomes: tuple[ReconciliationOutcome, ...]
