"""How the worker ends: one exit code for each error of the tree, the only thing that ECS passes on of a task's end.

::

    0         the step has finished, now or before
    1         an error that is none of the tree's: a mistake of ours
    2         wrong usage: nothing was read or written
    10 .. 15  an error of the tree
    130, 143  ended from outside: Ctrl-C, SIGTERM

1 and 2 are what Python and its argument parser end with anyway. A process that a signal ended has 128 and the signal's
number, which leaves no code of ours in that range: 134 is an engine that could not allocate, 137 a container that the
kernel killed for its memory, both a reason for the next tier.
"""

from enum import IntEnum

from flowforge.model.errors import (
    CommitConflict,
    CommitUnknown,
    ConfigFault,
    DataFault,
    FlowForgeError,
    NextTier,
    RetryLater,
)

BY_SIGNAL = 128
"""A process that ends by a signal has this and the signal's number (POSIX shells and container engines alike)."""


class ExitCode(IntEnum):
    """What the worker's process ends with."""

    SUCCESS = 0
    UNEXPECTED = 1
    USAGE = 2
    RETRY_LATER = 10
    NEXT_TIER = 11
    DATA_FAULT = 12
    CONFIG_FAULT = 13
    COMMIT_CONFLICT = 14
    COMMIT_UNKNOWN = 15
    TERMINATED = 143


OF_ERROR: dict[type[FlowForgeError], ExitCode] = {
    RetryLater: ExitCode.RETRY_LATER,
    NextTier: ExitCode.NEXT_TIER,
    DataFault: ExitCode.DATA_FAULT,
    ConfigFault: ExitCode.CONFIG_FAULT,
    CommitConflict: ExitCode.COMMIT_CONFLICT,
    CommitUnknown: ExitCode.COMMIT_UNKNOWN,
}


def exit_code(error: BaseException) -> ExitCode:
    """The exit code of an error; nothing derives from the leaves of the tree, so the exact class decides."""
    return next((code for kind, code in OF_ERROR.items() if type(error) is kind), ExitCode.UNEXPECTED)
