"""Decoded values of JSON as the engine takes them, for columns that its own reader would not keep exactly."""

import json
from decimal import Decimal
from typing import Any

import polars as pl

from flowforge.medallion.json_shape import PreciseNumber


def fitted_value(value: Any, kept: pl.DataType) -> Any:
    """A decoded value as the engine takes it for a type; in a column of text, as it stands in the file."""
    if value is None:
        return None
    if isinstance(kept, pl.Struct):
        return {field.name: fitted_value(value.get(field.name), field.dtype) for field in kept.fields}  # type: ignore[arg-type]
    if isinstance(kept, pl.List):
        return [fitted_value(element, kept.inner) for element in value]  # type: ignore[arg-type]
    if isinstance(kept, pl.String):
        return value if type(value) is str else rendered(value)
    if isinstance(kept, pl.Boolean):
        return value
    if isinstance(kept, pl.Int64):
        return int(value)
    return float(value) if isinstance(kept, pl.Float64) else Decimal(value)


def rendered(value: Any) -> str:
    """The JSON of a value, its numbers digit by digit as they were."""
    if isinstance(value, PreciseNumber):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{rendered(name)}: {rendered(member)}" for name, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(rendered, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
