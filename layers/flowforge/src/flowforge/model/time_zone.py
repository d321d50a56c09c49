"""The time zone by which days and hours are told."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


def _is_known(name: str) -> str:
    if name not in _known():
        raise ValueError(f"{name!r} is no time zone; write a name such as UTC or Europe/Berlin")
    return name


TimeZoneName = Annotated[str, AfterValidator(_is_known)]
"""A name of the IANA data base, such as ``Europe/Berlin``."""


def first_instant(day: date, zone: str) -> datetime:
    """When a day begins in a zone, as an instant in UTC."""
    return datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)


def days_until(now: datetime, zone: str, count: int) -> list[date]:
    """The last days of a zone, the one that is now the last of them."""
    today = now.astimezone(ZoneInfo(zone)).date()
    return [today - timedelta(days=back) for back in range(count - 1, -1, -1)]
