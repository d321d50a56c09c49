"""The functions that Step Functions adds to JSONata, the one that it takes away, and one that the library gets wrong.

Rules: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html. An argument that makes no sense gives
nothing, as on AWS: the field that holds the expression then fails, and names it.
"""

import hashlib
import json
import math
import random
import uuid
from collections.abc import Callable
from typing import Any

from jsonata.utils import Utils

_ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
# The largest $range that AWS gives; one more ends as "Expression evaluation memory limit exceeded".
RANGE_LIMIT = 360_145


def partition(items: Any = None, size: Any = None) -> list[Any] | None:
    """Cut an array into chunks of ``size``, the last one shorter."""
    if items is None or size is None:
        return None
    values = items if isinstance(items, list) else [items]
    step = int(_number(size, "partition"))
    if step <= 0 or not values:
        return None
    return [list(values[start : start + step]) for start in range(0, len(values), step)]


def number_range(first: Any = None, last: Any = None, step: Any = None) -> Any:
    """Count from ``first`` to ``last``, inclusive. One value alone is that value and no array."""
    if first is None or last is None or step is None:
        return None
    start, end, stride = (int(_number(value, "range")) for value in (first, last, step))
    if stride == 0:
        return None
    values = range(start, end + (1 if stride > 0 else -1), stride)
    if len(values) > RANGE_LIMIT:
        raise ValueError("Expression evaluation memory limit exceeded")
    if not values:
        return None
    return values[0] if len(values) == 1 else list(values)


def digest(text: Any = None, algorithm: Any = None) -> str | None:
    """The hexadecimal digest of a text, by one of the five algorithms that AWS offers."""
    if text is None or algorithm is None:
        return None
    if algorithm not in _ALGORITHMS:
        raise ValueError(f"$hash knows no algorithm {algorithm!r}, only {', '.join(_ALGORITHMS)}")
    return hashlib.new(_ALGORITHMS[algorithm], str(text).encode()).hexdigest()


def random_number(seed: Any = None) -> float:
    """A number in [0, 1); with a seed, always the same one (another one than on AWS)."""
    return random.random() if seed is None else random.Random(int(_number(seed, "random"))).random()  # noqa: S311


def new_uuid() -> str:
    """A version 4 UUID."""
    return str(uuid.uuid4())


def parse_json(text: Any = None) -> Any:
    """Read JSON from a string."""
    if text is None:
        return None
    value = json.loads(text)
    return Utils.NULL_VALUE if value is None else value


def no_eval(*_: Any) -> Any:
    """``$eval``, which Step Functions takes away: calling it fails as calling anything that is no function."""
    raise ValueError("T1006: Attempted to invoke a non-function")


def _number(value: Any, function: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"${function} needs numbers, and was given {value!r}")
    return float(value)


def count(values: Any = None) -> int:
    """How many values there are; null is one, of which the library knows nothing."""
    if values is None:
        return 0
    return len(values) if isinstance(values, list) else 1


CHANGED_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "count": count,
    "partition": partition,
    "range": number_range,
    "hash": digest,
    "random": random_number,
    "uuid": new_uuid,
    "parse": parse_json,
    "eval": no_eval,
}
