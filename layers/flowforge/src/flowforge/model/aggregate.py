"""One aggregate of Gold, in the form that people write: ``sum(amount)``, ``count(*)``, ``count_distinct(customer)``."""

import re
from enum import StrEnum
from typing import Self

from flowforge.model.base import Document


class AggregateFunction(StrEnum):
    """What is computed over the values of a group. None of them counts null as a value.

    ``sum``, ``avg`` and ``median`` need numbers. ``first`` and ``last`` go by ``aggregationOrderBy``.
    """

    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    COUNT = "count"
    COUNT_DISTINCT = "count_distinct"
    FIRST = "first"
    LAST = "last"
    MEDIAN = "median"

    @property
    def needs_numbers(self) -> bool:
        """Whether the column must hold numbers."""
        return self in (AggregateFunction.SUM, AggregateFunction.AVG, AggregateFunction.MEDIAN)

    @property
    def holds_values(self) -> bool:
        """Whether the values of a group are held until its end, not just one state for the group."""
        return self in (
            AggregateFunction.COUNT_DISTINCT,
            AggregateFunction.FIRST,
            AggregateFunction.LAST,
            AggregateFunction.MEDIAN,
        )


_NAMES = "|".join(function.value for function in AggregateFunction)
AGGREGATE = re.compile(rf"\s*({_NAMES})\s*\(\s*(\*|[^()]+?)\s*\)\s*", re.IGNORECASE)
DISTINCT = re.compile(r"distinct\s+(.+)", re.IGNORECASE | re.DOTALL)


class Aggregate(Document):
    """One aggregate of Gold: a function over a column of Silver; ``count(*)`` counts rows."""

    function: AggregateFunction
    column: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``sum(amount)``; ``count(distinct x)`` is another way to write ``count_distinct(x)``.

        Raises ValueError for another form.
        """
        match = AGGREGATE.fullmatch(text)
        if not match:
            functions = ", ".join(function.value for function in AggregateFunction)
            raise ValueError(f"{text!r} is no aggregate; write FUNCTION(column) or count(*), FUNCTION one of {functions}")
        function, column = AggregateFunction(match[1].lower()), match[2]
        distinct = DISTINCT.fullmatch(column)
        if distinct and function is AggregateFunction.COUNT:
            function, column = AggregateFunction.COUNT_DISTINCT, distinct[1]
        if column == "*" and function is not AggregateFunction.COUNT:
            raise ValueError(f"{text!r}: only count takes *")
        return cls(function=function, column=column)

    @property
    def default_name(self) -> str:
        """The output column's name where the job states none."""
        return "count" if self.column == "*" else f"{self.function}_{self.column}"
