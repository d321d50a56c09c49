"""Columns that a job names and a frame may not have."""

import polars as pl

from flowforge.model.errors import ConfigFault


def require_column(name: str, schema: pl.Schema, option: str) -> None:
    """Raise ConfigFault where a frame does not have the column that an option names."""
    if name not in schema:
        raise ConfigFault(
            f"{option} names the column {name!r}, which is not there; there are {', '.join(schema)}",
            column=name,
            option=option,
        )
