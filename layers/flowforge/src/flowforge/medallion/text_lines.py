"""Lines at the ends of a text that are no part of its table."""

from collections.abc import Iterable, Iterator
from typing import AnyStr


def without_first_lines(texts: Iterable[AnyStr], count: int, line_end: AnyStr) -> Iterator[AnyStr]:
    """The text, or its bytes, after the first ``count`` lines."""
    left = count
    for text in texts:
        start = 0
        while left and (end := text.find(line_end, start)) >= 0:
            start, left = end + 1, left - 1
        if not left:
            yield text[start:]


def without_last_lines(texts: Iterable[str], count: int, line_end: str) -> Iterator[str]:
    """The text before its last ``count`` lines. Blank lines after them are not counted, and go with them.

    What could be these lines is held in memory until the text goes on.
    """
    if not count:
        yield from texts
        return
    held = ""
    for text in texts:
        held += text
        start = len(held.rstrip("\r\n"))
        for _ in range(count):
            start = held.rfind(line_end, 0, start)
            if start < 0:
                break
        if start >= 0:
            yield held[: start + 1]
            held = held[start + 1 :]
