"""The functions of users' expressions, with the number of arguments that each takes.

Each follows from its row alone: no clock, no chance, no file. ``medallion/expression_functions`` says what they do.
"""

MANY = 100

ARITIES: dict[str, tuple[int, int]] = {
    "abs": (1, 1),
    "ceil": (1, 1),
    "coalesce": (1, MANY),
    "concat": (1, MANY),
    "contains": (2, 2),
    "date_diff": (3, 3),
    "date_trunc": (2, 2),
    "day": (1, 1),
    "ends_with": (2, 2),
    "floor": (1, 1),
    "greatest": (2, MANY),
    "hour": (1, 1),
    "least": (2, MANY),
    "left": (2, 2),
    "length": (1, 1),
    "lower": (1, 1),
    "lpad": (3, 3),
    "ltrim": (1, 1),
    "minute": (1, 1),
    "month": (1, 1),
    "nullif": (2, 2),
    "regexp_extract": (2, 3),
    "regexp_matches": (2, 2),
    "regexp_replace": (3, 3),
    "replace": (3, 3),
    "right": (2, 2),
    "round": (1, 2),
    "rpad": (3, 3),
    "rtrim": (1, 1),
    "second": (1, 1),
    "starts_with": (2, 2),
    "substring": (2, 3),
    "trim": (1, 1),
    "upper": (1, 1),
    "year": (1, 1),
}
SYNONYMS = {
    "ceiling": "ceil",
    "char_length": "length",
    "ifnull": "coalesce",
    "lcase": "lower",
    "len": "length",
    "substr": "substring",
    "ucase": "upper",
}
AGGREGATES = frozenset(
    ("any_value", "array_agg", "avg", "count", "first", "last", "max", "mean", "median", "min", "stddev", "string_agg", "sum")
)
WINDOWS = frozenset(("dense_rank", "lag", "lead", "ntile", "rank", "row_number"))
DATE_PARTS = ("year", "month", "day", "hour", "minute", "second")
TRUNCATIONS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
DIFFERENCES = ("day", "hour", "minute", "second")


def refusal(name: str) -> str:
    """Why a function is not taken, and what to do."""
    if name in AGGREGATES:
        return f"{name} is an aggregate, which is over many rows; write it in goldConfig.aggregates"
    if name in WINDOWS:
        return f"{name} is a window function, which is over many rows; an expression sees one row"
    known = ", ".join(sorted(ARITIES))
    return f"the function {name} is not known; known are {known}"
