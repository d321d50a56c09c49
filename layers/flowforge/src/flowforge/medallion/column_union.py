"""The columns of a table whose files were written over time: what came later is added, and no type is made narrower."""

import re
from collections.abc import Sequence

Column = tuple[str, str]
_WIDENINGS = [["tinyint", "smallint", "int", "bigint"], ["float", "double"]]
"""Types whose values Athena reads as each type behind them (https://docs.aws.amazon.com/athena/latest/ug/types-of-updates.html)."""
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
MAX_DIGITS = 38


def column_union(registered: Sequence[Column], fresh: Sequence[Column], *, fresh_is_newer: bool) -> list[Column]:
    """The columns of both, by name in lower case: in the order of the newer, then what only the older has.

    Where types differ, the one in which both can be read; where there is none, the newer one's (see ``is_readable_as``).
    """
    newer, older = (fresh, registered) if fresh_is_newer else (registered, fresh)
    known = dict(older)
    union = [(name, _common(dtype, known.get(name, dtype))) for name, dtype in newer]
    names = {name for name, _ in newer}
    return union + [(name, dtype) for name, dtype in older if name not in names]


def is_readable_as(written: str, registered: str) -> bool:
    """Whether Athena reads a column of a file as the type that the table has for it."""
    if written == registered:
        return True
    old, new = _DECIMAL.fullmatch(written), _DECIMAL.fullmatch(registered)
    if old and new:
        return int(new[2]) >= int(old[2]) and int(new[1]) - int(new[2]) >= int(old[1]) - int(old[2])
    return any(
        written in types and registered in types and types.index(written) <= types.index(registered) for types in _WIDENINGS
    )


def _common(newer: str, older: str) -> str:
    """The narrowest type in which both are read, or else the newer."""
    if is_readable_as(older, newer):
        return newer
    if is_readable_as(newer, older):
        return older
    first, second = _DECIMAL.fullmatch(newer), _DECIMAL.fullmatch(older)
    if first and second:
        scale = max(int(first[2]), int(second[2]))
        whole = max(int(first[1]) - int(first[2]), int(second[1]) - int(second[2]))
        return f"decimal({whole + scale},{scale})" if whole + scale <= MAX_DIGITS else newer
    return newer


def catalog_columns(columns: Sequence[Column], *, reserved: Sequence[str] = ()) -> list[Column]:
    """The columns of a file as a catalog can hold them: in lower case, each name once, without those that are ``reserved``.

    Athena knows no upper case, so of names that differ in nothing else the first one is its column.
    """
    kept: dict[str, str] = {}
    for name, dtype in columns:
        lower = name.lower()
        if lower not in reserved and lower.isprintable():
            kept.setdefault(lower, dtype)
    return list(kept.items())
