"""What the transformations of a column do: to its text before the cast, and by ``format`` to its typed value after it.

Null stays null under each of them.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from flowforge.medallion.expression_functions import check_by_engine
from flowforge.medallion.expression_types import TypeMismatchError
from flowforge.model.text_transformation import (
    FormatParameters,
    PhoneParameters,
    ReplaceParameters,
    SubstringParameters,
    Transformation,
)

NORTH_AMERICA = "1"
NATIONAL_DIGITS = 10
FEWEST_DIGITS, MOST_DIGITS = 7, 15
"""A telephone number has at most 15 digits (ITU-T E.164)."""
PHONE = r"^\+?[0-9 ()./\u{2010}-\u{2015}-]+$"
TRUNK_IN_BRACKETS = "(0)"


def transformed(text: pl.Expr, transformations: Sequence[Transformation]) -> pl.Expr:
    """The text after each change in turn. Raises TypeMismatchError for a regular expression that the engine does not take."""
    for transformation in transformations:
        text = _changed(text, transformation)
    return text


def _changed(text: pl.Expr, transformation: Transformation) -> pl.Expr:
    match transformation.parsed:
        case ReplaceParameters(search=search, replacement=replacement, regex=regex):
            if regex:
                check_by_engine(search)
            return text.str.replace_all(search, replacement, literal=not regex)
        case SubstringParameters(start=start, length=length):
            return text.str.slice(start - 1 if start > 0 else start, length)
        case PhoneParameters(country_code=country_code):
            return _telephone(text, country_code.lstrip("+") if country_code else None)
    match transformation.type:
        case "uppercase":
            return text.str.to_uppercase()
        case "lowercase":
            return text.str.to_lowercase()
        case "email_normalize":
            return text.str.strip_chars().str.to_lowercase().str.strip_prefix("mailto:").str.strip_chars()
        case _:
            return text.str.strip_chars()


def _telephone(text: pl.Expr, country_code: str | None) -> pl.Expr:
    """Digits alone, with ``+`` and the country's code where it is known; what is no telephone number stays as it was."""
    stripped = text.str.strip_chars()
    international = stripped.str.starts_with("+") | stripped.str.starts_with("00")
    digits = pl.when(international).then(stripped.str.replace(TRUNK_IN_BRACKETS, "", literal=True)).otherwise(stripped)
    digits = digits.str.replace_all(r"[^0-9]", "")
    abroad = pl.concat_str([pl.lit("+"), pl.when(stripped.str.starts_with("00")).then(digits.str.slice(2)).otherwise(digits)])
    if country_code is None:
        at_home = digits
    elif country_code == NORTH_AMERICA:
        has_code = digits.str.starts_with(NORTH_AMERICA) & (digits.str.len_bytes() == NATIONAL_DIGITS + 1)
        at_home = pl.concat_str([pl.when(has_code).then(pl.lit("+")).otherwise(pl.lit(f"+{NORTH_AMERICA}")), digits])
    else:
        # The zero in front is for calls within the country.
        at_home = pl.concat_str([pl.lit(f"+{country_code}"), digits.str.strip_prefix("0")])
    number = pl.when(international).then(abroad).otherwise(at_home)
    length = number.str.strip_prefix("+").str.len_bytes()
    is_number = stripped.str.contains(PHONE) & length.is_between(FEWEST_DIGITS, MOST_DIGITS)
    return pl.when(is_number).then(number).otherwise(text)


def formatted(value: pl.Expr, dtype: pl.DataType, parameters: FormatParameters) -> pl.Expr:
    """The typed value as text. Raises TypeMismatchError for a pattern of strftime that is none."""
    if parameters.pattern is not None:
        try:
            pl.Series([date(2026, 1, 31)]).cast(dtype).dt.strftime(parameters.pattern)
        except pl.exceptions.ComputeError as error:
            raise TypeMismatchError(f"format: {parameters.pattern!r} is no pattern of strftime") from error
        return value.dt.strftime(parameters.pattern)
    text = _digits(value, dtype, parameters.decimals)
    if parameters.width is not None:
        return text.str.zfill(parameters.width)
    return _grouped(text, parameters.thousands_separator) if parameters.thousands_separator is not None else text


def _digits(value: pl.Expr, dtype: pl.DataType, decimals: int | None) -> pl.Expr:
    if decimals is None:
        return value.cast(pl.String)
    rounded = value if dtype.is_integer() else value.round(decimals, mode="half_away_from_zero")
    return rounded.cast(pl.Decimal(38, decimals), strict=False).cast(pl.String)


def _grouped(text: pl.Expr, separator: str) -> pl.Expr:
    """The digits before the point in groups of three."""
    whole, rest = text.str.extract(r"^-?([0-9]+)"), text.str.extract(r"^-?[0-9]+(.*)$")
    mark = separator.replace("$", "$$")
    grouped = whole.str.reverse().str.replace_all(r"([0-9]{3})", f"${{1}}{mark}").str.strip_suffix(separator).str.reverse()
    sign = pl.when(text.str.starts_with("-")).then(pl.lit("-")).otherwise(pl.lit(""))
    return pl.concat_str([sign, grouped, rest])
