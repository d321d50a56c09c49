"""Moments and lengths of time as tables show them."""

from datetime import datetime


def moment(text: str | None) -> str:
    """A moment that the API tells, in UTC to the second; nothing for None."""
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%SZ") if text else ""


def seconds(milliseconds: int | None) -> str:
    """A length of time, nothing for None."""
    return f"{milliseconds / 1000:.1f} s" if milliseconds is not None else ""
