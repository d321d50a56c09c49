"""Silver: which rows of Bronze are accepted, which are duplicates, which go to quarantine and why.

Order of work: rename, cast, keep-last by key, rules. A row whose cells do not fit, or whose key is empty, is set aside
before the duplicates are looked for, so that a broken correction never displaces the good row it meant to correct.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from flowforge.medallion.casts import blank_is_null, cast_column, misfit
from flowforge.medallion.conflict_policy import ConflictPolicy
from flowforge.medallion.duplicates import POSITION, superseded_positions, without
from flowforge.medallion.rules import broken_rules
from flowforge.medallion.surrogate_key_column import existing_key_rules, with_surrogate_key
from flowforge.model.contract import ContractColumn, Type
from flowforge.model.job import Job
from flowforge.model.names import AUDIT_COLUMNS
from flowforge.model.step import RuleOutcome
from flowforge.model.validation import Severity

FAILED_RULES = "_failed_rules"
REASON = "_reason"


@dataclass(frozen=True)
class Verdict:
    """What becomes of each row of a run. Frames hold ``_position``; ``broken`` adds ``_rules`` (List[String])."""

    misfits: pl.DataFrame
    superseded: pl.DataFrame
    broken: pl.DataFrame
    rules: tuple[RuleOutcome, ...]

    @property
    def duplicates(self) -> int:
        """How many rows a later row of the same key replaces."""
        return self.superseded.height

    @property
    def quarantined(self) -> int:
        """How many rows go to quarantine."""
        return self.misfits.height + self.broken.height

    @property
    def dropped(self) -> pl.DataFrame:
        """The positions of all rows that are not accepted."""
        return pl.concat([self.misfits, self.superseded, self.broken.select(POSITION)])


class _Failure(NamedTuple):
    """Something that a single row of Bronze can fail by; ``reason`` is a String."""

    label: str
    column: str
    condition: pl.Expr
    reason: pl.Expr


class Silver:
    """The frames of one run: ``bronze`` (String columns, audit columns, ``_position``) seen through a contract."""

    def __init__(self, bronze: pl.LazyFrame, columns: Sequence[ContractColumn], job: Job) -> None:
        self._bronze = bronze
        self._job = job
        self._trimmed = {
            mapping.source_column for mapping in job.transformation_config.column_mappings if mapping.transformations
        }
        self._columns = tuple(columns)
        self._config = job.destination_config.silver_config
        self._key = self._config.primary_key
        self.typed = bronze.select(
            POSITION, *(cast_column(column, self._text(column)) for column in self._columns), *AUDIT_COLUMNS
        )

    @property
    def business_columns(self) -> list[str]:
        """The columns of the contract, in its order."""
        return [column.name for column in self._columns]

    @property
    def key(self) -> list[str]:
        """What makes a row the same row: the primary key (in a history with the effective date), or every business column."""
        return list(self._config.row_key) or self.business_columns

    def judge(self, rows: int) -> Verdict:
        """Look at every row; ``rows`` is their number. Reads the frame a few times, holds positions only."""
        misfits = self._bronze.filter(self._is_misfit()).select(POSITION).collect(engine="streaming")
        outcomes_of_cells = self._count_failures() if misfits.height else ()
        fitting = without(self.typed, misfits)
        superseded = self._superseded(fitting, rows)
        survivors = without(fitting, superseded)
        rules = (*existing_key_rules(self._config), *self._job.validation_config.data_quality_rules)
        broken, outcomes = broken_rules(survivors, rules, rows=rows)
        return Verdict(misfits, superseded, broken, (*outcomes_of_cells, *outcomes))

    def _superseded(self, fitting: pl.LazyFrame, rows: int) -> pl.DataFrame:
        if not self._config.removes_duplicates:
            return pl.DataFrame(schema={POSITION: fitting.collect_schema()[POSITION]})
        policy = ConflictPolicy.of(self._config)
        order = [policy.column] if policy.column is not None else []
        keys = fitting.select(POSITION, *dict.fromkeys([*self.key, *order]))
        return superseded_positions(keys, self.key, rows=rows, order=order, keep=policy.keep)

    def accepted(self, verdict: Verdict) -> pl.LazyFrame:
        """The accepted rows in their order: business columns, audit columns, surrogate key."""
        rows = without(self.typed, verdict.dropped).select(*self.business_columns, *AUDIT_COLUMNS)
        return with_surrogate_key(rows, self._config, self.key)

    def quarantine(self, verdict: Verdict) -> pl.LazyFrame:
        """The rows set aside, as they are in Bronze, with ``_failed_rules`` (List[String]) and ``_reason`` (String)."""
        rules = pl.concat(
            [
                verdict.misfits.with_columns(pl.lit([], dtype=pl.List(pl.String)).alias("_rules")),
                verdict.broken,
            ]
        ).sort(POSITION)
        joined = self._bronze.join(rules.lazy(), on=POSITION, how="inner", build_side="force_right", maintain_order="left")
        failures = self._failures()
        labels = [pl.when(failure.condition).then(pl.lit(failure.label)) for failure in failures]
        reasons = [pl.when(failure.condition).then(failure.reason) for failure in failures]
        named = pl.concat_list([*labels, pl.lit(None, dtype=pl.String)]).list.drop_nulls()
        broken = pl.col("_rules").list.eval(pl.concat_str([pl.lit("the rule "), pl.element(), pl.lit(" is broken")]))
        told = pl.concat_list([*reasons, pl.lit(None, dtype=pl.String)]).list.drop_nulls()
        return joined.select(
            *(column.source for column in self._columns),
            *AUDIT_COLUMNS,
            pl.concat_list([named, pl.col("_rules")]).alias(FAILED_RULES),
            pl.concat_list([told, broken]).list.join("; ").alias(REASON),
        )

    def _text(self, column: ContractColumn) -> pl.Expr:
        text = pl.col(column.source)
        return text.str.strip_chars() if column.source in self._trimmed else text

    def _count_failures(self) -> tuple[RuleOutcome, ...]:
        """How many rows fail by each cast and key column, without those that none fails by."""
        failures = self._failures()
        counted = [failure.condition.sum().alias(failure.label) for failure in failures]
        counts = self._bronze.select(counted).collect(engine="streaming").row(0, named=True)
        return tuple(
            RuleOutcome(rule=failure.label, column=failure.column, severity=Severity.ERROR.value, failed=counts[failure.label])
            for failure in failures
            if counts[failure.label]
        )

    def _is_misfit(self) -> pl.Expr:
        return pl.any_horizontal(pl.lit(False), *(failure.condition for failure in self._failures()))

    def _failures(self) -> list[_Failure]:
        """Every cast that can fail, and every part of the primary key that can be empty."""
        failures = []
        for column in self._columns:
            text = self._text(column)
            if column.data_type.type not in (Type.TEXT, Type.UNDETERMINED):
                told = [pl.lit(f"{column.name}: '"), text.str.slice(0, 80), pl.lit(f"' is no {_described(column)}")]
                condition = misfit(text, cast_column(column, text))
                failures.append(_Failure(f"cast({column.name})", column.name, condition, pl.concat_str(told)))
            if column.name in self._key:
                reason = pl.lit(f"{column.name}: the primary key is empty")
                condition = blank_is_null(text).is_null()
                failures.append(_Failure(f"primary_key({column.name})", column.name, condition, reason))
            elif column.name == self._config.effective_date_source:
                reason = pl.lit(f"{column.name}: the effective date is empty")
                condition = blank_is_null(text).is_null()
                failures.append(_Failure(f"effective_date({column.name})", column.name, condition, reason))
        return failures


def _described(column: ContractColumn) -> str:
    form = column.data_type.format
    return f"{column.data_type}" + (f" of the form {form}" if form else "")
