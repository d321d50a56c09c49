"""When schedules fire: AWS's dialect of cron in time zones, rates, and single times."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowforge.local.schedule_expressions import parse_expression


def fires(expression: str, zone: str, start: datetime, count: int) -> list[str]:
    """The next times of a schedule, as clocks in its zone show them."""
    recurrence, moment, found = parse_expression(expression, zone), start, []
    for _ in range(count):
        later = recurrence.after(moment)
        if later is None:
            break
        assert later > moment
        assert later.utcoffset() == timedelta(0)
        moment = later
        found.append(moment.astimezone(ZoneInfo(zone)).strftime("%a %Y-%m-%d %H:%M %z"))
    return found


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def test_a_cron_is_read_in_its_zone() -> None:
    # 09:00 in Kolkata is 03:30 UTC; AWS's days count from 1 for Sunday, so 2-6 is Monday to Friday.
    assert fires("cron(0 9 ? * 2-6 *)", "Asia/Kolkata", at(2026, 11, 20, 3, 30), 2) == [
        "Mon 2026-11-23 09:00 +0530",
        "Tue 2026-11-24 09:00 +0530",
    ]


def test_a_time_that_spring_leaves_out_is_skipped() -> None:
    assert fires("cron(30 2 * * ? *)", "America/New_York", at(2026, 3, 7), 3) == [
        "Sat 2026-03-07 02:30 -0500",
        "Mon 2026-03-09 02:30 -0400",
        "Tue 2026-03-10 02:30 -0400",
    ]


@pytest.mark.parametrize("start", [at(2026, 10, 31, 12), at(2026, 11, 1, 5)])
def test_a_time_that_autumn_repeats_fires_once(start: datetime) -> None:
    assert fires("cron(30 1 * * ? *)", "America/New_York", start, 2) == [
        "Sun 2026-11-01 01:30 -0400",
        "Mon 2026-11-02 01:30 -0500",
    ]


def test_between_the_two_times_nothing_fires() -> None:
    # 05:45 UTC is a quarter to two for the first time, 06:15 a quarter past one for the second.
    for start in (at(2026, 11, 1, 5, 45), at(2026, 11, 1, 6, 15)):
        assert fires("cron(30 1 * * ? *)", "America/New_York", start, 1) == ["Mon 2026-11-02 01:30 -0500"]


def test_every_hour_of_a_day_that_repeats_one_is_fired_once() -> None:
    assert fires("cron(0 * * * ? *)", "America/New_York", at(2026, 11, 1, 4, 30), 3) == [
        "Sun 2026-11-01 01:00 -0400",
        "Sun 2026-11-01 02:00 -0500",
        "Sun 2026-11-01 03:00 -0500",
    ]


@pytest.mark.parametrize(
    ("fields", "days"),
    [
        ("0 9 L * ? 2027", ["Sun 2027-01-31", "Sun 2027-02-28"]),
        ("0 9 15W * ? *", ["Tue 2026-12-15", "Fri 2027-01-15"]),
        ("0 9 ? * 6L *", ["Fri 2026-11-27", "Fri 2026-12-25"]),
        ("0 9 ? * FRIL *", ["Fri 2026-11-27", "Fri 2026-12-25"]),
        ("0 9 ? * 6#2 *", ["Fri 2026-12-11", "Fri 2027-01-08"]),
        ("0 9 ? * L *", ["Sat 2026-11-21", "Sat 2026-11-28"]),
        ("0 9 ? * SUN *", ["Sun 2026-11-22", "Sun 2026-11-29"]),
        ("0 9 ? * mon,wed *", ["Mon 2026-11-23", "Wed 2026-11-25"]),
        ("0 9 ? * 2/2 *", ["Mon 2026-11-23", "Wed 2026-11-25"]),
        ("0 9 ? * 7-1 *", ["Sat 2026-11-21", "Sun 2026-11-22"]),
        ("0 9 1 JAN,JUL ? *", ["Fri 2027-01-01", "Thu 2027-07-01"]),
        ("0 9 29 2 ? *", ["Tue 2028-02-29", "Sun 2032-02-29"]),
        ("0 9 30 2 ? *", []),
        ("0 9 * * ? 2025", []),
    ],
)
def test_the_marks_of_the_dialect(fields: str, days: list[str]) -> None:
    assert fires(f"cron({fields})", "Europe/London", at(2026, 11, 20, 10), 2) == [f"{day} 09:00 {offset(day)}" for day in days]


def offset(day: str) -> str:
    return datetime.strptime(f"{day} 09", "%a %Y-%m-%d %H").replace(tzinfo=ZoneInfo("Europe/London")).strftime("%z")


def test_a_rate_counts_real_hours_whatever_the_clocks_do() -> None:
    assert fires("rate(1 day)", "America/New_York", at(2026, 10, 31, 16), 2) == [
        "Sun 2026-11-01 11:00 -0500",
        "Mon 2026-11-02 11:00 -0500",
    ]
    assert parse_expression("rate(90 minutes)", "UTC").after(at(2026, 1, 1)) == at(2026, 1, 1, 1, 30)


def test_a_single_time_is_read_in_its_zone_and_comes_once() -> None:
    assert fires("at(2026-11-23T06:30:00)", "Asia/Kolkata", at(2026, 11, 23), 2) == ["Mon 2026-11-23 06:30 +0530"]
    assert fires("at(2026-03-08T02:30:00)", "America/New_York", at(2026, 1, 1), 1) == []


@pytest.mark.parametrize(
    ("expression", "zone", "message"),
    [
        ("cron(0 9 * * ? *)", "Mars/X", "there is no time zone 'Mars/X'"),
        ("cron(0 9 * * ? *)", "", "there is no time zone ''"),
        ("cron(0 9 * * ? *)", "/etc/passwd", "there is no time zone"),
        ("0 9 * * ? *", "UTC", "is none of"),
        ("", "UTC", "is none of"),
        ("cron(0 9 * * *)", "UTC", "this one has 5"),
        ("cron(0 9 1 * 2 *)", "UTC", "exactly one of day-of-month and day-of-week"),
        ("cron(0 9 ? * ? *)", "UTC", "exactly one of"),
        ("cron(99 * * * ? *)", "UTC", r"'cron\(99 \* \* \* \? \*\)'.*out of range"),
        ("cron(H 9 * * ? *)", "UTC", "minutes is not understood"),
        ("cron(R 9 * * ? *)", "UTC", "minutes is not understood"),
        ("cron(0 9 LW * ? *)", "UTC", "day-of-month is not understood"),
        ("cron(0 9 ? * 0 *)", "UTC", "day-of-week is not understood"),
        ("cron(0 9 ? * 8 *)", "UTC", "day-of-week is not understood"),
        ("cron(0 9 ? * 6#6 *)", "UTC", "day-of-week is not understood"),
        ("cron(0 9 * ? * *)", "UTC", "exactly one of"),
        ("cron(0 9 ? ? * *)", "UTC", "month is not understood"),
        ("cron(0 9 * * ? 26)", "UTC", "year is not understood"),
        ("cron(0 0 1W,15W * ? *)", "UTC", "'W' can only be used"),
        ("rate(0 minutes)", "UTC", "a rate is a whole number"),
        ("rate(5 seconds)", "UTC", "a rate is a whole number"),
        ("at(2026-02-30T09:00:00)", "UTC", "the time is written as"),
        ("at(2026-02-28 09:00)", "UTC", "the time is written as"),
    ],
)
def test_what_is_wrong_is_named(expression: str, zone: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_expression(expression, zone)


@given(
    st.integers(0, 730 * 24 * 60).map(lambda minutes: at(2026, 1, 1) + timedelta(minutes=minutes)),
    st.sampled_from(["America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca"]),
    st.sampled_from(["cron(0/15 * * * ? *)", "cron(30 1-3 * * ? *)", "cron(0 0 * * ? *)", "cron(59 23 L * ? *)"]),
)
def test_a_time_that_comes_next_exists_is_later_and_is_the_first_on_its_clock(
    start: datetime, zone: str, expression: str
) -> None:
    found = parse_expression(expression, zone).after(start)
    assert found is not None
    assert found > start
    local = found.astimezone(ZoneInfo(zone))
    assert local.fold == 0
    assert (local.second, local.microsecond) == (0, 0)
