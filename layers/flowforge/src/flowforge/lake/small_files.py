"""How many files a table would lose if it were compacted: each costs every query a request and a footer."""

from collections.abc import Iterable

SMALL_BYTES = 64 << 20
TARGET_BYTES = 256 << 20
"""Athena advises files of 128 MB or more (https://docs.aws.amazon.com/athena/latest/ug/performance-tuning-data-optimization-techniques.html)."""


def small_file_debt(sizes: Iterable[int]) -> int:
    """Of the files of one partition, by their sizes in bytes: how many fewer there would be after compaction."""
    small = [size for size in sizes if size < SMALL_BYTES]
    return max(0, len(small) - max(1, -(-sum(small) // TARGET_BYTES)))
