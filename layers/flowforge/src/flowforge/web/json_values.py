"""Values of a table as JSON can hold them, none of them rounded.

Dates and times are ISO 8601, a timestamp with a zone has its offset, durations are seconds; decimals are text with all their
digits, and so are integers beyond those that JavaScript holds; bytes are Base64; what is no number, or infinite, is text.
"""

import base64
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import polars as pl
from pydantic import JsonValue

LARGEST_EXACT = 2**53 - 1
"""https://www.rfc-editor.org/rfc/rfc7493#section-2.2"""
SHOWN_CHARACTERS = 1000
CUT = "…"


def json_value(value: object) -> JsonValue:
    """One value, whatever it is made of; a long text is cut and ends with an ellipsis. Raises TypeError for an unknown kind."""
    match value:
        case None | bool():
            return value
        case int():
            return value if abs(value) <= LARGEST_EXACT else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case str():
            return value if len(value) <= SHOWN_CHARACTERS else value[:SHOWN_CHARACTERS] + CUT
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Decimal():
            return format(value, "f")
        case bytes():
            return json_value(base64.b64encode(value).decode())
        case pl.Series():
            return [json_value(item) for item in value.to_list()]
        case Mapping():
            return {str(name): json_value(item) for name, item in value.items()}
        case Sequence():
            return [json_value(item) for item in value]
    raise TypeError(f"no form in JSON for {type(value).__name__}")
