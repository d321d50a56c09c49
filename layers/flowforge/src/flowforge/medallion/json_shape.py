"""What the values of a JSON document look like over all of its records, and the types that follow.

A type is chosen over every value, so that none is lost: a column whose values fit no common type is one of text, in which
every value stands as it does in the file, and a note says so.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import polars as pl

NULL, BOOLEAN, EXACT, INTEGER, LONG, FLOAT, PRECISE, TEXT, OBJECT, ARRAY, DEEP = (1 << bit for bit in range(11))
"""Kinds of values. ``EXACT``: a whole number that a 64-bit float holds; ``INTEGER``: one of 64 bits; ``LONG``: a longer one;

``PRECISE``: a number whose digits no 64-bit float gives back; ``DEEP``: anything below the deepest level.
"""
WORDS = {
    BOOLEAN: "booleans",
    EXACT | INTEGER | LONG: "whole numbers",
    FLOAT: "numbers with a point",
    PRECISE: "numbers of more digits than a float holds",
    TEXT: "texts",
    OBJECT: "objects",
    ARRAY: "arrays",
    DEEP: "values of more levels than are told apart",
}
MAX_EXACT = 1 << 53
MAX_INTEGER = (1 << 63) - 1
MAX_DECIMAL = 10**38 - 1
MAX_DEPTH = 32
MAX_MEMBERS = 1_000
"""An object of more different names than this is used as a dictionary, and not as a record."""
CERTAIN_CHARACTERS = 16
"""A point and 15 digits: so many a 64-bit float always gives back (IEEE 754)."""


class PreciseNumber(str):
    """A number of JSON as it stands in the file."""

    __slots__ = ()


def exact_float(text: str) -> "float | PreciseNumber":
    """A number with a point or an exponent as a float, or its text where the float is another number."""
    value = float(text)
    if (len(text) <= CERTAIN_CHARACTERS and value and math.isfinite(value)) or (
        math.isfinite(value) and Decimal(text) == Decimal(repr(value))
    ):
        return value
    return PreciseNumber(text)


SCALARS: dict[type, int] = {str: TEXT, float: FLOAT, bool: BOOLEAN, type(None): NULL, PreciseNumber: PRECISE}


@dataclass
class Shape:
    """All values seen in one place: of a column, of a member of an object, of the elements of an array."""

    kinds: int = 0
    members: dict[str, "Shape"] = field(default_factory=dict)
    item: "Shape | None" = None

    def see(self, value: Any, depth: int = 0) -> None:
        """Take up one value, with everything in it."""
        scalar = SCALARS.get(type(value))
        if scalar is not None:
            self.kinds |= scalar
        elif type(value) is int:
            self.kinds |= EXACT if -MAX_EXACT <= value <= MAX_EXACT else _kind_of_integer(value)
        elif depth == MAX_DEPTH:
            self.kinds |= DEEP
        elif type(value) is dict:
            self.kinds |= OBJECT
            self.see_members(value, depth)
        else:
            self.kinds |= ARRAY
            if self.item is None:
                self.item = Shape()
            for element in value:
                self.item.see(element, depth + 1)

    def see_members(self, record: Mapping[str, Any], depth: int = 0) -> None:
        """Take up the members of an object, in the order in which names first appear."""
        members = self.members
        for name, value in record.items():
            shape = members.get(name)
            if shape is None:
                if depth and len(members) > MAX_MEMBERS:
                    continue
                shape = members[name] = Shape()
            # Most members are scalars, which are not worth a call.
            scalar = SCALARS.get(type(value))
            if scalar is not None:
                shape.kinds |= scalar
            else:
                shape.see(value, depth + 1)


def _kind_of_integer(value: int) -> int:
    if -MAX_INTEGER <= value <= MAX_INTEGER:
        return INTEGER
    return LONG if -MAX_DECIMAL <= value <= MAX_DECIMAL else PRECISE


class Typing:
    """The types of shapes, and what a person should know about the choice.

    ``is_plain`` is False where a value needs more than the engine's own reader: rendering as text, or decimals.
    """

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.is_plain = True

    def type_of(self, shape: Shape, path: str) -> pl.DataType:
        """The type that every value of a shape fits, ``Null`` where there is no value; ``path`` names it in notes."""
        kinds = shape.kinds & ~NULL
        if not kinds:
            return pl.Null()
        if kinds == TEXT:
            return pl.String()
        if kinds == BOOLEAN:
            return pl.Boolean()
        if not kinds & ~(EXACT | INTEGER):
            return pl.Int64()
        if not kinds & ~(EXACT | INTEGER | LONG):
            self.is_plain = False
            return pl.Decimal(38, 0)
        if not kinds & ~(EXACT | FLOAT):
            return pl.Float64()
        if kinds == OBJECT and 0 < len(shape.members) <= MAX_MEMBERS:
            return pl.Struct({name: self.type_of(member, f"{path}.{name}") for name, member in shape.members.items()})
        if kinds == ARRAY and shape.item is not None:
            return pl.List(self.type_of(shape.item, f"{path}[]"))
        return self._text(kinds, path)

    def _text(self, kinds: int, path: str) -> pl.DataType:
        self.is_plain = False
        if kinds == OBJECT:
            self.notes.append(
                f"{path}: its objects have no members, or more than {MAX_MEMBERS:,} names, so each is kept as JSON text"
            )
        else:
            found = " and ".join(word for mask, word in WORDS.items() if kinds & mask)
            self.notes.append(f"{path}: {found} stand there, so each value is kept as text, as it stands in the file")
        return pl.String()
