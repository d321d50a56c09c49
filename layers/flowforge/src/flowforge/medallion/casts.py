"""From the text of Bronze to the types of Silver.

A cell that does not fit becomes null; ``misfit`` tells it from an empty one.
"""

import re

import polars as pl

from flowforge.model.contract import ContractColumn, DataType, Type

CANONICAL_INTEGER = r"^-?(0|[1-9][0-9]{0,17})$"
"""No leading zero, no plus and at most 18 digits: what is written otherwise is a code or a telephone, not a number."""
LENIENT_INTEGER = r"^[+-]?[0-9]{1,18}$"
CANONICAL_FLOAT = r"^-?((0|[1-9][0-9]{0,14})(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"
"""At most 15 digits before the point, which a 64-bit float holds exactly."""
LENIENT_FLOAT = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"
FOUR_DIGIT_YEAR = r"(^|[^0-9])[0-9]{4}([^0-9]|$)"
"""The date parser takes ``26`` for the year 26; where ``%Y`` stands apart, a date without four digits of year does not fit."""
YEAR_APART = re.compile(r"(?<!%[a-zA-Z])%Y(?!%)")
DEFAULT_DATE_FORMAT = "%Y-%m-%d"
DEFAULT_TIMESTAMP_FORMAT = "%Y-%m-%d %H:%M:%S%.f"
ZONED = ("%z", "%#z", "%:z", "%+")


def polars_type(data_type: DataType) -> pl.DataType:
    """The dtype of a column of Silver."""
    match data_type.type:
        case Type.INTEGER:
            return pl.Int64()
        case Type.DECIMAL:
            return pl.Decimal(data_type.precision, data_type.scale or 0)
        case Type.FLOAT:
            return pl.Float64()
        case Type.BOOLEAN:
            return pl.Boolean()
        case Type.DATE:
            return pl.Date()
        case Type.TIMESTAMP:
            return pl.Datetime("us", "UTC" if is_zoned(data_type) else None)
        case Type.TEXT | Type.UNDETERMINED:
            return pl.String()


def is_zoned(data_type: DataType) -> bool:
    """True for a timestamp whose text carries its offset from UTC."""
    return bool(data_type.format) and any(mark in (data_type.format or "") for mark in ZONED)


def blank_is_null(text: pl.Expr) -> pl.Expr:
    """The text without surrounding white space; null where nothing is left. What every cast but text's reads."""
    stripped = text.str.strip_chars()
    return pl.when(stripped != "").then(stripped)


def cast(text: pl.Expr, data_type: DataType, *, declared: bool) -> pl.Expr:
    """The typed value of a text, or null where the text is blank or does not fit.

    A declared number may have leading zeros; an inferred one may not, since a column of codes would lose them.
    """
    if data_type.type in (Type.TEXT, Type.UNDETERMINED):
        return text
    value = blank_is_null(text)
    match data_type.type:
        case Type.BOOLEAN:
            lower = value.str.to_lowercase()
            return pl.when(lower == "true").then(True).when(lower == "false").then(False)
        case Type.DATE:
            form = data_type.format or DEFAULT_DATE_FORMAT
            return _with_whole_year(value, form).str.to_date(form, strict=False, exact=True)
        case Type.TIMESTAMP:
            form = data_type.format or DEFAULT_TIMESTAMP_FORMAT
            timed = _with_whole_year(value, form).str.to_datetime(form, time_unit="us", strict=False, exact=True)
            return timed.cast(polars_type(data_type))
        case _:
            return _number(value, data_type, declared=declared)


def _with_whole_year(value: pl.Expr, form: str) -> pl.Expr:
    """The text, or null where its form has a year apart and the text has not four digits of it."""
    return pl.when(value.str.contains(FOUR_DIGIT_YEAR)).then(value) if YEAR_APART.search(form) else value


def _number(value: pl.Expr, data_type: DataType, *, declared: bool) -> pl.Expr:
    if data_type.thousands_separator:
        value = _without_thousands(value, data_type.thousands_separator)
    match data_type.type:
        case Type.INTEGER:
            form = LENIENT_INTEGER if declared else CANONICAL_INTEGER
        case Type.FLOAT:
            form = LENIENT_FLOAT if declared else CANONICAL_FLOAT
        case _:
            # Surplus digits must be zeros: the cast would round the others away without a word.
            scale = data_type.scale or 0
            form = rf"^[+-]?([0-9]+(\.[0-9]{{0,{scale}}}0*)?|\.{f'[0-9]{{1,{scale}}}0*' if scale else '0+'})$"
    number = pl.when(value.str.contains(form)).then(value).cast(polars_type(data_type), strict=False)
    return pl.when(number.is_finite()).then(number) if data_type.type is Type.FLOAT else number


def _without_thousands(value: pl.Expr, separator: str) -> pl.Expr:
    """The number without its separators; null where they do not stand in groups of three."""
    mark = rf"\x{ord(separator):02x}" if separator.isascii() else separator
    grouped = rf"^[+-]?[0-9]{{1,3}}({mark}[0-9]{{3}})*(\.[0-9]*)?$"
    plain = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)$"
    return pl.when(value.str.contains(grouped) | value.str.contains(plain)).then(
        value.str.replace_all(separator, "", literal=True)
    )


def misfit(text: pl.Expr, typed: pl.Expr) -> pl.Expr:
    """True where a text that is not blank has no typed value."""
    return (blank_is_null(text).is_not_null() & typed.is_null()).fill_null(False)


def cast_column(column: ContractColumn, text: pl.Expr) -> pl.Expr:
    """The typed value of a column of the contract, named as in Silver."""
    return cast(text, column.data_type, declared=column.declared).alias(column.name)
