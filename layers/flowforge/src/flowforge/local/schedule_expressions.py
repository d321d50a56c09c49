"""When a schedule of EventBridge Scheduler fires: ``cron()``, ``rate()`` and ``at()``, read in a time zone.

A wall-clock time that does not exist, in the hour that spring leaves out, is skipped; one that comes twice, in the hour that
autumn repeats, fires once, at its first. https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from croniter import CroniterBadCronError, CroniterBadDateError, CroniterUnsupportedSyntaxError, croniter

_EXPRESSION = re.compile(r"(cron|rate|at)\((.*)\)")
_RATE = re.compile(r"([1-9]\d*) (minute|hour|day)s?")
_AT = "%Y-%m-%dT%H:%M:%S"
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
_NAMES = ("minutes", "hours", "day-of-month", "month", "day-of-week", "year")


class Recurrence(Protocol):
    """Tells the times of a schedule, in UTC."""

    def after(self, moment: datetime) -> datetime | None:
        """The first time after a moment; None where there is none."""
        ...


@dataclass(frozen=True)
class Rate:
    """Again and again, a fixed time after the last. A day is 24 hours, whatever the clocks do."""

    period: timedelta

    def after(self, moment: datetime) -> datetime | None:
        """The first time after a moment."""
        return moment + self.period


@dataclass(frozen=True)
class At:
    """Once, at a wall-clock time."""

    local: datetime
    zone: ZoneInfo

    def after(self, moment: datetime) -> datetime | None:
        """The time, if it is after the moment and exists."""
        found = _moment_of(self.local, self.zone)
        return found if found is not None and found > moment else None


@dataclass(frozen=True)
class Cron:
    """At every wall-clock time that six fields describe. ``fields`` is written as croniter reads it."""

    fields: str
    zone: ZoneInfo

    def after(self, moment: datetime) -> datetime | None:
        """The first time after a moment."""
        # Naive times on purpose: on aware ones croniter moves a skipped time instead of leaving it out.
        times = croniter(self.fields, moment.astimezone(self.zone).replace(tzinfo=None))
        while True:
            try:
                local: datetime = times.get_next(datetime)
            except CroniterBadDateError:
                return None
            found = _moment_of(local, self.zone)
            if found is not None and found > moment:
                return found


def parse_expression(expression: str, zone_name: str) -> Recurrence:
    """Read a ScheduleExpression and its time zone. Raises ValueError that says what is wrong with which of them."""
    try:
        zone = ZoneInfo(zone_name)
    except (ValueError, OSError, KeyError):
        raise ValueError(f"there is no time zone {zone_name!r}") from None
    form = _EXPRESSION.fullmatch(expression)
    if form is None:
        raise ValueError(f"{expression!r} is none of cron(…), rate(…) and at(…)")
    kind, inner = form[1], form[2]
    if kind == "cron":
        return Cron(_to_croniter(expression, inner), zone)
    if kind == "rate":
        rate = _RATE.fullmatch(inner)
        if rate is None:
            raise ValueError(f"{expression!r}: a rate is a whole number and minutes, hours or days")
        return Rate(timedelta(**{f"{rate[2]}s": int(rate[1])}))
    try:
        return At(datetime.strptime(inner, _AT), zone)  # noqa: DTZ007 -- a time on the wall, whose zone stands beside it
    except ValueError:
        raise ValueError(f"{expression!r}: the time is written as at(yyyy-mm-ddThh:mm:ss)") from None


def _moment_of(local: datetime, zone: ZoneInfo) -> datetime | None:
    """The first moment at which clocks show a time; None where they never do."""
    moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return moment if moment.astimezone(zone).replace(tzinfo=None) == local else None


def _field(value: str, special: str = "") -> re.Pattern[str]:
    """A list of values, ranges, steps and what else one field takes."""
    item = rf"(?:\*|{value}(?:-{value})?)(?:/\d+)?" + (f"|{special}" if special else "")
    return re.compile(rf"(?:{item})(?:,(?:{item}))*")


_NUMBER = r"\d{1,2}"
_MONTH = rf"(?:{_NUMBER}|{_MONTHS})"
_DAY = rf"(?:[1-7]|{'|'.join(_DAYS)})"
_FIELDS = (
    _field(_NUMBER),
    _field(_NUMBER),
    _field(_NUMBER, rf"L|{_NUMBER}W"),
    _field(_MONTH),
    _field(_DAY, rf"L|{_DAY}L|{_DAY}#[1-5]"),
    _field(r"\d{4}"),
)


def _to_croniter(expression: str, inner: str) -> str:
    """The same six fields in croniter's order and numbering: a seconds field, and Sunday is 0."""
    fields = inner.upper().split()
    if len(fields) != len(_NAMES):
        raise ValueError(f"{expression!r}: a cron has the six fields {' '.join(_NAMES)}, and this one has {len(fields)}")
    if (fields[2] == "?") == (fields[4] == "?"):
        raise ValueError(f"{expression!r}: exactly one of day-of-month and day-of-week is ?")
    fields = ["*" if index in (2, 4) and field == "?" else field for index, field in enumerate(fields)]
    for name, pattern, field in zip(_NAMES, _FIELDS, fields, strict=True):
        if pattern.fullmatch(field) is None:
            raise ValueError(f"{expression!r}: {name} is not understood")
    minutes, hours, day_of_month, month, day_of_week, year = fields
    days = ",".join(_day(item) for item in day_of_week.split(","))
    translated = f"{minutes} {hours} {day_of_month} {month} {days} 0 {year}"
    try:
        croniter(translated)
    except (CroniterBadCronError, CroniterUnsupportedSyntaxError) as error:
        raise ValueError(f"{expression!r}: {error}".replace(f"[{translated}] ", "")) from None
    return translated


def _day(item: str) -> str:
    """One item of day-of-week. AWS counts from 1 for Sunday, croniter from 0; 5L is written L4 there, and L is Saturday."""
    for number, name in enumerate(_DAYS, start=1):
        item = item.replace(name, str(number))
    if item == "L":
        return "6"
    if item.endswith("L"):
        return f"L{int(item[0]) - 1}"
    value, mark, rest = item.partition("#") if "#" in item else item.partition("/")
    return re.sub(r"\d", lambda digit: str(int(digit[0]) - 1), value) + mark + rest
