"""The length of the periods that Gold groups a time by."""

from enum import StrEnum
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator

Synonym = Literal["daily", "weekly", "monthly", "quarterly", "yearly"]
SYNONYMS: dict[str, str] = {"daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter", "yearly": "year"}


class TimeGrain(StrEnum):
    """A period of the calendar. A week is ISO 8601's: it begins on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


def _without_synonym(value: object) -> object:
    return SYNONYMS.get(value, value) if isinstance(value, str) else value


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone of the IANA database, such as Europe/Berlin") from error
    return name


Grain = Annotated[TimeGrain, BeforeValidator(_without_synonym, json_schema_input_type=TimeGrain | Synonym)]
"""A grain, or the word that today's forms use for it (``daily`` for ``day``)."""
ZoneName = Annotated[str, AfterValidator(_known_zone)]
"""The name of a time zone in the IANA database."""
