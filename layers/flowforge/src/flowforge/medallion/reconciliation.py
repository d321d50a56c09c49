"""The figures that are compared before Gold is published: exact, and the same in whatever order rows are read."""

from collections.abc import Sequence
from decimal import Decimal

import polars as pl

from flowforge.medallion.exact_sum import exact_sum, magnitudes
from flowforge.medallion.row_hash import hash_of_rows
from flowforge.model.errors import ConfigFault
from flowforge.model.reconciliation import Check, ReconciliationOutcome, ReconciliationRule, ReconciliationTerm, Tolerance


def figure(frame: pl.LazyFrame, check: Check, columns: Sequence[str], *, where: str) -> str:
    """The figure of a frame as exact text: a number, or 32 hexadecimal digits. A sum of no values is 0.

    ``where`` names the layer in messages. Raises ConfigFault for a column that is not there, or a sum of no numbers.
    """
    if check is Check.COUNT:
        return str(frame.select(pl.len()).collect(engine="streaming").item())
    schema = frame.collect_schema()
    for name in columns:
        if name not in schema:
            raise ConfigFault(
                f"reconciliationColumn {name!r} is no column of {where}; it has {', '.join(schema)}",
                column=name,
                option="validationConfig.reconciliationRules",
            )
    if check is Check.HASH:
        return hash_of_rows(frame, columns)
    return _sum(frame, columns[0], schema[columns[0]], where=where)


def _sum(frame: pl.LazyFrame, column: str, dtype: pl.DataType, *, where: str) -> str:
    if not dtype.is_numeric():
        # A column without a value has no type yet.
        if not frame.select(pl.col(column).count()).collect(engine="streaming").item():
            return "0"
        raise ConfigFault(
            f"reconciliationColumn {column!r} of {where} is {dtype}, and a sum needs numbers; state its dataType in "
            "columnMappings, or compare by hash",
            column=column,
            option="validationConfig.reconciliationRules",
        )
    scale = magnitudes(frame, [column]).scales[column] if dtype.is_float() else 1.0
    total = frame.select(exact_sum(column, dtype, scale)).collect(engine="streaming").item()
    # repr gives the shortest digits that are this float.
    return _plain(Decimal(repr(total)) if isinstance(total, float) else Decimal(total or 0))


def compared(rule: ReconciliationRule, left: ReconciliationTerm, right: ReconciliationTerm) -> ReconciliationOutcome:
    """What a rule says of two terms. Sums that are no finite numbers are never near one another."""
    if rule.figure is Check.HASH:
        return ReconciliationOutcome(
            rule=rule.name, check=rule.figure, left=left, right=right, tolerance=rule.tolerance, passed=left.value == right.value
        )
    one, two = Decimal(left.value), Decimal(right.value)
    finite = one.is_finite() and two.is_finite()
    return ReconciliationOutcome(
        rule=rule.name,
        check=rule.figure,
        left=left,
        right=right,
        difference=_plain(one - two) if finite else None,
        tolerance=rule.tolerance,
        passed=finite and Tolerance(rule.tolerance).admits(one, two),
    )


def _plain(number: Decimal) -> str:
    """The digits without an exponent and without zeros at the end of a fraction."""
    if not number.is_finite():
        return str(number)
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
