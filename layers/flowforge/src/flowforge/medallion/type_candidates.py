"""The types that text is held against, in order of preference.

A date of the form yyyymmdd is not among them: it is a number first. Nor are years of two digits, whose century is a guess.
"""

import re
from collections.abc import Sequence

from flowforge.model.contract import DataType, Type

DATE_FORMS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d-%b-%Y",
    "%d %b %Y",
)
ISO_FORMS = (
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
)
TIMED_DATE_FORMS = ("%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y")
TIMES = ("%H:%M:%S%.f", "%H:%M", "%I:%M:%S %p", "%I:%M %p")

CANDIDATES = (
    DataType(type=Type.BOOLEAN),
    DataType(type=Type.INTEGER),
    DataType(type=Type.FLOAT),
    *(DataType(type=Type.DATE, format=form) for form in DATE_FORMS),
    *(DataType(type=Type.TIMESTAMP, format=form) for form in ISO_FORMS),
    *(DataType(type=Type.TIMESTAMP, format=f"{form} {time}") for form in TIMED_DATE_FORMS for time in TIMES),
    # Without a form: any of ISO 8601, where a column has more than one.
    DataType(type=Type.TIMESTAMP),
    DataType(type=Type.TIMESTAMP, zoned=True),
)

_SIGNS = {
    "%Y": "[0-9]{4}",
    "%b": "[A-Za-z]+",
    "%p": "[AaPp][Mm]",
    "%.f": r"(\.[0-9]*)?",
    "%#z": r"\s*(Z|z|[+-][0-9:]+)",
}
_NUMBERS = {
    Type.BOOLEAN: "[A-Za-z]{4,5}",
    Type.INTEGER: "-?[0-9]+",
    Type.FLOAT: r"-?[0-9.]+([eE][+-]?[0-9]+)?",
}
SHAPED_VALUES = 10
LIKELY = 0.5
"""The share of a few values that must have a candidate's shape for it to be tried; with less it is not the type."""


def _shape(candidate: DataType) -> re.Pattern[str]:
    """What a value of the type looks like; less exact than its cast, and never narrower."""
    if candidate.type in _NUMBERS:
        return re.compile(_NUMBERS[candidate.type])
    if candidate.format is None:
        return re.compile("[0-9]{4}-.*")
    date, space, time = (
        re.split(r"([ T](?=%[HI]))", candidate.format + " ")[:3] if ":" in candidate.format else (candidate.format, "", "")
    )
    later = f"({_translated(space + time.rstrip())})?" if candidate.type is Type.TIMESTAMP else ""
    return re.compile(_translated(date) + later)


def _translated(form: str) -> str:
    parts = re.findall(r"%\.f|%#z|%[A-Za-z]|[^%]", form)
    return "".join(_SIGNS.get(part, "[0-9]{1,2}" if part.startswith("%") else re.escape(part)) for part in parts)


_SHAPES = tuple(_shape(candidate) for candidate in CANDIDATES)


def likely(values: Sequence[str]) -> list[int]:
    """The numbers of the candidates that a few stripped values look like; all where there is no value to look at."""
    shown = values[:SHAPED_VALUES]
    return [
        number
        for number, shape in enumerate(_SHAPES)
        if sum(bool(shape.fullmatch(text)) for text in shown) >= LIKELY * len(shown)
    ]
