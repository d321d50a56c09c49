"""The rules of Silver: which rows break which."""

from collections.abc import Sequence

import polars as pl

from flowforge.medallion.duplicates import POSITION, repeated_positions
from flowforge.model.step import RuleOutcome
from flowforge.model.validation import QualityRule, Severity


def broken_rules(
    rows_frame: pl.LazyFrame, rules: Sequence[QualityRule], *, rows: int
) -> tuple[pl.DataFrame, tuple[RuleOutcome, ...]]:
    """Hold the rows to the rules.

    The frame answered has a row per row that breaks a rule of severity error: ``_position`` and ``_rules``, the labels
    (List[String]) in the rules' order. The outcomes count every rule, whatever its severity.
    """
    outcomes: list[RuleOutcome] = []
    position = rows_frame.collect_schema()[POSITION]
    failing = [pl.DataFrame(schema={POSITION: position, "_rule": pl.String})]
    for rule in rules:
        positions = _failing_positions(rows_frame, rule, rows=rows)
        outcomes.append(RuleOutcome(rule=rule.label, column=rule.column, severity=rule.severity.value, failed=positions.height))
        if rule.severity is Severity.ERROR:
            failing.append(positions.select(POSITION, pl.lit(rule.label, dtype=pl.String).alias("_rule")))
    broken = pl.concat(failing).group_by(POSITION, maintain_order=True).agg(pl.col("_rule").alias("_rules"))
    return broken.sort(POSITION), tuple(outcomes)


def _failing_positions(frame: pl.LazyFrame, rule: QualityRule, *, rows: int) -> pl.DataFrame:
    """The positions of the rows that break one rule. A null is no repetition of another null."""
    if rule.rule_type == "not_null":
        return frame.filter(pl.col(rule.column).is_null()).select(POSITION).collect(engine="streaming")
    present = frame.select(POSITION, rule.column).filter(pl.col(rule.column).is_not_null())
    return repeated_positions(present, [rule.column], rows=rows)
