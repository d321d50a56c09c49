"""The sizes that Fargate has: which memory goes with which processor units, and how much scratch space there can be."""

# Processor units (1024 are one vCPU), and the memory in MiB that each can have.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
_MEMORY_MB = {
    256: (512, 1024, 2048),
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16_384 + 1, 1024),
    4096: range(8192, 30_720 + 1, 1024),
    8192: range(16_384, 61_440 + 1, 4096),
    16_384: range(32_768, 122_880 + 1, 8192),
}
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_EphemeralStorage.html: without a wish it is 20 GiB, and a wish
# is for more than that.
DEFAULT_EPHEMERAL_GIB = 20
EPHEMERAL_GIB = range(21, 200 + 1)
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html: seconds between SIGTERM and SIGKILL.
DEFAULT_STOP_SECONDS = 30
LONGEST_STOP_SECONDS = 120


def size_fault(cpu: int, memory_mb: int) -> str | None:
    """What AWS says to a size that Fargate does not have; None to one that it has."""
    if memory_mb in _MEMORY_MB.get(cpu, ()):
        return None
    return (
        f"No Fargate configuration exists for given values: {cpu} CPU, {memory_mb} memory. "
        "See the Amazon ECS documentation for the valid values."
    )


def ephemeral_fault(gib: int) -> str | None:
    """What is wrong with an ephemeral storage of this size; None where nothing is."""
    if gib in EPHEMERAL_GIB:
        return None
    return f"Ephemeral storage must be between {EPHEMERAL_GIB[0]} and {EPHEMERAL_GIB[-1]} GiB, and not {gib}."
