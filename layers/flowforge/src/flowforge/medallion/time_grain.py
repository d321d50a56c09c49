"""The first day of the period that a date or a timestamp lies in."""

import polars as pl

from flowforge.model.errors import ConfigFault
from flowforge.model.time_grain import TimeGrain

EVERY = {TimeGrain.DAY: "1d", TimeGrain.WEEK: "1w", TimeGrain.MONTH: "1mo", TimeGrain.QUARTER: "1q", TimeGrain.YEAR: "1y"}
UTC = "UTC"


def period_start(column: str, dtype: pl.DataType, grain: TimeGrain, zone: str) -> pl.Expr:
    """The first day (Date) of each value's period, null for null; weeks begin on Monday (ISO 8601).

    A timestamp belongs to the day that a calendar in ``zone`` shows at that moment; one without a zone is taken as UTC.
    Raises ConfigFault where the column holds no times, or dates and a zone, which say nothing of each other.
    """
    option = "goldConfig.aggregationTimeColumn"
    value = pl.col(column)
    if isinstance(dtype, pl.Datetime):
        moment = value if dtype.time_zone else value.dt.replace_time_zone(UTC)
        # Cut to days first: a day is what a calendar has, and hours that summer time leaves out do not matter to it.
        day = moment.dt.convert_time_zone(zone).dt.date()
    elif dtype == pl.Date:
        if zone != UTC:
            raise ConfigFault(
                f"goldConfig.aggregationTimeZone is {zone}, and {column} holds dates, which have no zone: leave it out",
                column=column,
                option="goldConfig.aggregationTimeZone",
            )
        day = value
    else:
        raise ConfigFault(
            f"{option}: periods need a date or a timestamp, and {column} is {dtype}; state its dataType in columnMappings",
            column=column,
            option=option,
        )
    return day.dt.truncate(EVERY[grain])
