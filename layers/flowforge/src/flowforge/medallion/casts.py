"""From the text of Bronze to the types of Silver.

A cell that does not fit becomes null; ``misfit`` tells it from an empty one.
"""

import re

import polars as pl

from flowforge.model.contract import DataType, Type

CANONICAL_INTEGER = r"^-?(0|[1-9][0-9]{0,17})$"
"""No leading zero, no plus and at most 18 digits: what is written otherwise is a code or a telephone, not a number."""
LENIENT_INTEGER = r"^[+-]?[0-9]{1,18}$"
MAX_FLOAT_DIGITS = 17
"""As many significant digits as programs print of a 64-bit float. A number with more stays exact as a decimal."""
_SHAPES = "|".join(
    (
        rf"0?\.0*[0-9]{{0,{MAX_FLOAT_DIGITS}}}0*",
        r"0\.?",
        *(rf"[1-9][0-9]{{{n - 1}}}(\.[0-9]{{0,{MAX_FLOAT_DIGITS - n}}}0*)?" for n in range(1, 16)),
    )
)
CANONICAL_FLOAT = rf"^-?({_SHAPES})([eE][+-]?[0-9]{{1,3}})?$"
"""No leading zero, and at most 15 digits before the point, which a 64-bit float holds exactly."""
CANONICAL_DECIMAL = r"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,37})?$"
LENIENT_FLOAT = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"
FOUR_DIGIT_YEAR = r"(^|[^0-9])[0-9]{4}([^0-9]|$)"
"""The date parser takes ``26`` for the year 26; where ``%Y`` stands apart, a date without four digits of year does not fit."""
YEAR_APART = re.compile(r"(?<!%[a-zA-Z])%Y(?!%)")
DEFAULT_DATE_FORMAT = "%Y-%m-%d"
ISO_TIMESTAMPS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M")
"""What a timestamp without a stated form is read as; with ``%#z`` behind where it has a zone."""
TIME_OF_DAY = re.compile(r"[ T]%[HI].*")
FINER_THAN_MICROSECONDS = r"\.[0-9]{6}[0-9]*[1-9]"
TRUE, FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")
"""What a declared boolean may be written as; an inferred one is true or false."""


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
            return pl.Datetime("us", "UTC" if data_type.has_zone else None)
        case Type.TEXT | Type.UNDETERMINED:
            return pl.String()


def blank_is_null(text: pl.Expr) -> pl.Expr:
    """The text without surrounding white space; null where nothing is left. What every cast but text's reads."""
    stripped = text.str.strip_chars()
    return pl.when(stripped != "").then(stripped)


def is_blank(text: pl.Expr) -> pl.Expr:
    """True where a text is null or nothing but white space."""
    return (text.str.strip_chars() == "").fill_null(True)


def cast(text: pl.Expr, data_type: DataType, *, declared: bool) -> pl.Expr:
    """The typed value of a text, or null where the text is blank or does not fit.

    A declared number may have leading zeros; an inferred one may not, since a column of codes would lose them.
    """
    if data_type.type in (Type.TEXT, Type.UNDETERMINED):
        return text
    # What is blank is of no form below, and so null without being asked for. White space around a text does not matter where it
    # is only looked at.
    value = text.str.strip_chars()
    match data_type.type:
        case Type.BOOLEAN:
            lower = value.str.to_lowercase()
            true, false = (TRUE, FALSE) if declared else (TRUE[:1], FALSE[:1])
            return pl.when(lower.is_in(true)).then(True).when(lower.is_in(false)).then(False)
        case Type.DATE:
            return _date(text, value, data_type.format or DEFAULT_DATE_FORMAT)
        case Type.TIMESTAMP:
            return pl.coalesce(timestamps(text, value, data_type))
        case _:
            return _number(text, value, data_type, declared=declared)


def _date(text: pl.Expr, value: pl.Expr, form: str) -> pl.Expr:
    return _with_whole_year(text, form, value.str.to_date(form, strict=False, exact=True))


def timestamps(text: pl.Expr, value: pl.Expr, data_type: DataType) -> list[pl.Expr]:
    """What a text, whose ``value`` is without white space around it, is by each form that it may have, the most usual first.

    A timestamp without a zone is also read from its date alone, as the midnight it begins with.
    """
    zone = "%#z" if data_type.zoned else ""
    forms = (data_type.format,) if data_type.format else tuple(f"{form}{zone}" for form in ISO_TIMESTAMPS)
    kept = pl.when(~text.str.contains(FINER_THAN_MICROSECONDS)).then(value)
    read = [
        _with_whole_year(text, form, kept.str.to_datetime(form, time_unit="us", strict=False, exact=True)).cast(
            polars_type(data_type)
        )
        for form in forms
    ]
    if not data_type.has_zone and (date_form := TIME_OF_DAY.sub("", forms[0])) != forms[0]:
        read.append(_date(text, value, date_form).cast(polars_type(data_type)))
    return read


def _with_whole_year(text: pl.Expr, form: str, moment: pl.Expr) -> pl.Expr:
    """The moment read from a text, or null where its form has a year apart and the text has not four digits of it."""
    return pl.when(text.str.contains(FOUR_DIGIT_YEAR)).then(moment) if YEAR_APART.search(form) else moment


def _number(text: pl.Expr, value: pl.Expr, data_type: DataType, *, declared: bool) -> pl.Expr:
    if data_type.thousands_separator:
        text = value = _without_thousands(value, data_type.thousands_separator)
    form = _within_blanks(number_form(data_type, declared=declared))
    # Numbers are chosen among, not texts: a text is copied for that.
    number = pl.when(text.str.contains(form)).then(value.cast(polars_type(data_type), strict=False))
    return pl.when(number.is_finite()).then(number) if data_type.type is Type.FLOAT else number


def number_form(data_type: DataType, *, declared: bool) -> str:
    """The regular expression that a number without thousands separators has to match."""
    match data_type.type:
        case Type.INTEGER:
            return LENIENT_INTEGER if declared else CANONICAL_INTEGER
        case Type.FLOAT:
            return LENIENT_FLOAT if declared else CANONICAL_FLOAT
        case _:
            # Surplus digits must be zeros: the cast would round the others away without a word.
            scale = data_type.scale or 0
            return rf"^[+-]?([0-9]+(\.[0-9]{{0,{scale}}}0*)?|\.{f'[0-9]{{1,{scale}}}0*' if scale else '0+'})$"


def _within_blanks(form: str) -> str:
    """The form of a text with white space around it, which spares the engine stripping it twice."""
    return rf"^\s*(?:{form.removeprefix('^').removesuffix('$')})\s*$"


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
    return ~is_blank(text) & typed.is_null()
