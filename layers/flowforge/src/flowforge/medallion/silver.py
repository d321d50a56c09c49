"""Silver: which rows of Bronze are accepted, which are duplicates, which are filtered, which go to quarantine and why.

Order of work: rename, transform, cast, look up, derive, filter, one row by key, rules. A row whose cells do not fit, or
whose key is empty, is set aside before the filters and the duplicates are looked at, so that a broken correction never
displaces the good row it meant to correct.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from flowforge.medallion.conflict_policy import ConflictPolicy
from flowforge.medallion.duplicates import POSITION, superseded_positions, without
from flowforge.medallion.lookups import References
from flowforge.medallion.positions import counts_and_positions, no_positions, only
from flowforge.medallion.row_filters import kept
from flowforge.medallion.rules import SET_BITS, Rules, RuleVerdict
from flowforge.medallion.staging import RAW, Staging
from flowforge.medallion.surrogate_key_column import existing_key_rules, with_surrogate_key
from flowforge.model.contract import ContractColumn
from flowforge.model.job import Job
from flowforge.model.names import AUDIT_COLUMNS
from flowforge.model.quality_rule import Severity
from flowforge.model.step import RuleOutcome

FAILED_RULES = "_failed_rules"
REASON = "_reason"


@dataclass(frozen=True)
class Verdict:
    """What becomes of the rows of a run: how many end where, and the positions (``_position``) that are not told by a row.

    ``unwanted`` holds the positions of the misfits and of the filtered rows; None where they are too many to be held.
    """

    misfits: int
    filtered: int
    unwanted: pl.DataFrame | None
    superseded: pl.DataFrame
    broken: RuleVerdict
    rules: tuple[RuleOutcome, ...]

    @property
    def duplicates(self) -> int:
        """How many rows a later row of the same key replaces."""
        return self.superseded.height

    @property
    def aside(self) -> pl.DataFrame | None:
        """The positions of the rows that go to quarantine, and maybe of others; None where they are not all held."""
        if self.unwanted is None or self.broken.rows is None:
            return None
        return pl.concat([self.unwanted, self.broken.rows, self.broken.sets.select(POSITION)]).unique()

    @property
    def quarantined(self) -> int:
        """How many rows go to quarantine."""
        return self.misfits + self.broken.broken


class Silver:
    """The rows of one run of a job, seen through a contract: ``bronze`` holds the audit columns and ``_position`` too.

    Raises TypeMismatchError where an expression, a filter or a rule does not fit the types of the columns.
    """

    def __init__(
        self, bronze: pl.LazyFrame, columns: Sequence[ContractColumn], job: Job, references: References | None = None
    ) -> None:
        self._config = job.destination_config.silver_config
        self._references = references or References()
        self._bronze, self._columns, self._job = bronze, columns, job
        self._staging = Staging(bronze, columns, job, self._references)
        rules = (*existing_key_rules(self._config), *job.validation_config.data_quality_rules)
        self._rules = Rules(rules, self._staging.schema)
        self._kept = kept(job.transformation_config.filters, self._staging.schema)

    @property
    def business_columns(self) -> list[str]:
        """The columns of the contract, in its order."""
        return self._staging.business_columns

    @property
    def key(self) -> list[str]:
        """What makes a row the same row: the primary key (in a history with the effective date), or every business column."""
        return list(self._config.row_key) or self.business_columns

    def _candidates(self, unwanted: pl.DataFrame | None) -> pl.LazyFrame:
        """The rows that fit and are wanted. Without conditions a pass over some columns casts no others."""
        if unwanted is None:
            return self._staging.frame.filter(self._staging.fits & self._kept)
        return without(self._staging.frame, unwanted)

    def judge(self, rows: int) -> Verdict:
        """Look at every row; ``rows`` is their number. Reads the frame a few times, holds positions only."""
        outcomes, misfits, filtered, unwanted = self._count_failures()
        candidates = self._candidates(unwanted)
        superseded = self._superseded(candidates, rows)
        broken = self._rules.judge(without(candidates, superseded), self._references.values, rows=rows)
        return Verdict(misfits, filtered, unwanted, superseded, broken, (*outcomes, *broken.outcomes))

    def _superseded(self, candidates: pl.LazyFrame, rows: int) -> pl.DataFrame:
        if not self._config.removes_duplicates:
            return no_positions(self._bronze)
        policy = ConflictPolicy.of(self._config)
        order = [policy.column] if policy.column is not None else []
        keys = candidates.select(POSITION, *dict.fromkeys([*self.key, *order]))
        return superseded_positions(keys, self.key, rows=rows, order=order, keep=policy.keep)

    def accepted(self, verdict: Verdict) -> pl.LazyFrame:
        """The accepted rows in their order: business columns, audit columns, surrogate key."""
        rows, dropped = self._staging.frame, [verdict.superseded, verdict.broken.sets.select(POSITION)]
        if verdict.unwanted is not None:
            dropped.append(verdict.unwanted)
        else:
            rows = rows.filter(self._staging.fits & self._kept)
        if verdict.broken.rows is not None:
            dropped.append(verdict.broken.rows)
        else:
            rows = rows.filter(~self._rules.broken_by_row)
        rows = without(rows, pl.concat(dropped)).select(*self.business_columns, *AUDIT_COLUMNS)
        return with_surrogate_key(rows, self._config, self.key)

    def quarantine(self, verdict: Verdict) -> pl.LazyFrame:
        """The rows set aside, as they are in Bronze, with ``_failed_rules`` (List[String]) and ``_reason`` (String)."""
        staging, sets = self._staging_of(verdict.aside), verdict.broken.sets
        frame = without(staging.frame, verdict.superseded).join(
            sets.lazy(), on=POSITION, how="left", build_side="force_right", maintain_order="left"
        )
        is_broken = self._kept & (self._rules.broken_by_row | pl.col(SET_BITS).is_not_null())
        failures = staging.failures
        labels = [pl.when(failure.condition).then(pl.lit(failure.label, dtype=pl.String)) for failure in failures]
        reasons = [pl.when(failure.condition).then(failure.reason) for failure in failures]
        # A row that does not fit was never held to the rules.
        rules = [pl.when(staging.fits).then(label) for label in self._rules.labels()]
        told = [pl.concat_str([pl.lit("the rule "), label, pl.lit(" is broken")]) for label in rules]
        return frame.filter(~staging.fits | is_broken).select(
            *(pl.col(f"{RAW}{name}").alias(name) for name in staging.raw_columns),
            *AUDIT_COLUMNS,
            _present([*labels, *rules]).alias(FAILED_RULES),
            _present([*reasons, *told]).list.join("; ").alias(REASON),
        )

    def _staging_of(self, positions: pl.DataFrame | None) -> Staging:
        """The rows at some positions, or all of them: only those are cast."""
        if positions is None:
            return self._staging
        return Staging(only(self._bronze, positions), self._columns, self._job, self._references)

    def _count_failures(self) -> tuple[tuple[RuleOutcome, ...], int, int, pl.DataFrame | None]:
        """How many rows fail by each cast and key column (those that none fails by left out), by any, and are filtered.

        With the positions of all of them, or None where they are too many to be held.
        """
        failures = self._staging.failures
        if not failures and not self._job.transformation_config.filters:
            return (), 0, 0, no_positions(self._bronze)
        fits, kept = self._staging.fits, self._kept
        conditions = {
            ":unwanted": ~(fits & kept) & _is_row(),
            ":misfits": ~fits & _is_row(),
            **{failure.label: failure.condition for failure in failures},
        }
        counts, unwanted = counts_and_positions(self._staging.frame, conditions, ":unwanted")
        outcomes = tuple(
            RuleOutcome(rule=failure.label, column=failure.column, severity=Severity.ERROR.value, failed=counts[failure.label])
            for failure in failures
            if counts[failure.label]
        )
        return outcomes, counts[":misfits"], counts[":unwanted"] - counts[":misfits"], unwanted


def _is_row() -> pl.Expr:
    """True, as often as there are rows: a condition without a column would be one value."""
    return pl.col(POSITION).is_not_null()


def _present(texts: Sequence[pl.Expr]) -> pl.Expr:
    """The texts that are not null, as a list."""
    return pl.concat_list([*texts, pl.lit(None, dtype=pl.String)]).list.drop_nulls()
