"""How much memory this machine leaves for data that a step has to hold at once."""

import os

from flowforge.steps.last_tier import container_memory_mib

LAMBDA_VARIABLE = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"
BASE_MIB = 400
"""What a step takes before it holds any data: interpreter, engine, buffers of its writer (docs/reference/tiers.md)."""
SHARE = 0.8
MEBIBYTE = 1 << 20


def memory_for_data_bytes() -> int:
    """The bytes that may be held: of the function's, the task's or the container's memory, else of the machine's."""
    stated = os.environ.get(LAMBDA_VARIABLE, "")
    limit = int(stated) if stated.isdigit() else container_memory_mib()
    if limit is None:
        limit = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MEBIBYTE
    return max(0, int(limit * SHARE) - BASE_MIB) * MEBIBYTE
