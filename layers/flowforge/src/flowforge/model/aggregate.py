"""One aggregate of Gold, in the form that people write: ``sum(amount)``, ``count(*)``."""

import re
from typing import Literal, Self

from flowforge.model.base import Document

AGGREGATE = re.compile(r"\s*(sum|min|max|avg|count)\s*\(\s*(\*|[^()]+?)\s*\)\s*", re.IGNORECASE)


class Aggregate(Document):
    """One aggregate of Gold: a function over a column of Silver; ``count(*)`` counts rows."""

    function: Literal["sum", "min", "max", "avg", "count"]
    column: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``sum(amount)``. Raises ValueError for another form."""
        match = AGGREGATE.fullmatch(text)
        if not match:
            raise ValueError(f"{text!r} is no aggregate; write sum(column), min, max, avg, count(column) or count(*)")
        function, column = match[1].lower(), match[2]
        if column == "*" and function != "count":
            raise ValueError(f"{text!r}: only count takes *")
        return cls.model_validate({"function": function, "column": column})

    @property
    def default_name(self) -> str:
        """The output column's name where the job states none."""
        return "count" if self.column == "*" else f"{self.function}_{self.column}"
