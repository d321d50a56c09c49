"""The rules of Silver: which rows break which.

Rules that a row alone is held to are one set of expressions, counted in one pass (four times as fast as a pass for each of
twelve). Rules that other rows or tables decide give positions, which are kept as one bit for each rule.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from flowforge.medallion.duplicates import POSITION
from flowforge.medallion.positions import counts_and_positions, no_positions
from flowforge.medallion.row_rules import RowRule, row_rule
from flowforge.medallion.set_rules import breaking_positions
from flowforge.model.quality_rule import QualityRule, Severity
from flowforge.model.step import RuleOutcome

SET_BITS = "_set_bits"


@dataclass(frozen=True)
class RuleVerdict:
    """What the rules say of the rows of a run.

    ``broken`` counts the rows that break a rule of severity error. ``rows`` holds the positions (``_position``) of those that
    break one by themselves, and is None where they are too many to be held. ``sets`` has a row for each position that breaks
    such a rule of sets: ``_position``, and ``_set_bits`` (UInt64) with the bit of each.
    """

    broken: int
    rows: pl.DataFrame | None
    sets: pl.DataFrame
    outcomes: tuple[RuleOutcome, ...]


class Rules:
    """The rules of a job over rows of a schema. Raises TypeMismatchError where one does not fit the types of its columns."""

    def __init__(self, rules: Sequence[QualityRule], schema: Mapping[str, pl.DataType]) -> None:
        self._rules = tuple(rules)
        self._of_rows: dict[str, RowRule] = {rule.label: row_rule(rule, schema) for rule in rules if not rule.is_of_sets}
        of_sets = [rule.label for rule in rules if rule.is_of_sets]
        self._bits = {label: 1 << number for number, label in enumerate(of_sets)}

    @property
    def broken_by_row(self) -> pl.Expr:
        """True of a row that breaks a rule of severity error by itself."""
        errors = (part.broken for part in self._of_rows.values() if part.rule.severity is Severity.ERROR)
        return pl.any_horizontal(pl.lit(False), *errors)

    def labels(self) -> list[pl.Expr]:
        """In the rules' order, the label of each rule of severity error where a row breaks it, else null.

        Over rows with ``_set_bits``, null where no rule of sets is broken.
        """
        return [
            pl.when(self._is_broken(rule.label)).then(pl.lit(rule.label, dtype=pl.String))
            for rule in self._rules
            if rule.severity is Severity.ERROR
        ]

    def _is_broken(self, label: str) -> pl.Expr:
        if label in self._of_rows:
            return self._of_rows[label].broken
        return (pl.col(SET_BITS) & pl.lit(self._bits[label], dtype=pl.UInt64)).fill_null(0) != 0

    def judge(self, frame: pl.LazyFrame, values: Mapping[str, pl.LazyFrame], *, rows: int) -> RuleVerdict:
        """Hold the rows to the rules. ``values`` is what referential rules look into, ``rows`` an upper bound of the rows."""
        counts, broken_rows = self._count(frame)
        outcomes: list[RuleOutcome] = []
        errors: list[pl.DataFrame] = []
        for rule in self._rules:
            if rule.label in self._of_rows:
                failed, checked = counts[f"{rule.label}:broken"], counts[f"{rule.label}:judged"]
            else:
                positions, checked = breaking_positions(frame, rule, values, rows=rows)
                failed = positions.height
                if rule.severity is Severity.ERROR and failed:
                    bit = pl.lit(self._bits[rule.label], dtype=pl.UInt64).alias(SET_BITS)
                    errors.append(positions.select(POSITION, bit))
            outcomes.append(
                RuleOutcome(
                    rule=rule.label,
                    column=", ".join(rule.columns),
                    severity=rule.severity.value,
                    failed=failed,
                    checked=checked,
                )
            )
        sets = self._united(errors, frame.collect_schema()[POSITION])
        return RuleVerdict(counts[":broken"] + self._by_sets_alone(frame, sets), broken_rows, sets, tuple(outcomes))

    def _count(self, frame: pl.LazyFrame) -> tuple[dict[str, int], pl.DataFrame | None]:
        """In one pass, how many rows break and how many were judged by each rule, how many break any by themselves, and which."""
        if not self._of_rows:
            return {":broken": 0}, no_positions(frame)
        conditions = {":broken": self.broken_by_row}
        for label, part in self._of_rows.items():
            conditions[f"{label}:broken"] = part.broken
            conditions[f"{label}:judged"] = part.judged & pl.col(POSITION).is_not_null()
        return counts_and_positions(frame, conditions, ":broken")

    def _united(self, errors: Sequence[pl.DataFrame], position: pl.DataType) -> pl.DataFrame:
        empty = pl.DataFrame(schema={POSITION: position, SET_BITS: pl.UInt64})
        return pl.concat([empty, *errors]).group_by(POSITION).agg(pl.col(SET_BITS).sum()).sort(POSITION)

    def _by_sets_alone(self, frame: pl.LazyFrame, sets: pl.DataFrame) -> int:
        """How many rows break rules of sets and no other."""
        if not sets.height or not self._of_rows:
            return sets.height
        by_both = (
            frame.filter(self.broken_by_row)
            .select(POSITION)
            .join(sets.lazy(), on=POSITION, how="semi", build_side="force_right")
            .select(pl.len())
            .collect(engine="streaming")
            .item()
        )
        return sets.height - int(by_both)
