"""One tree of errors, split by what to do about them.

::

    FlowForgeError
    ├── RetryLater       throttling, a network that failed: the same request, later
    ├── NextTier         memory, /tmp or time ran out: the same request, on a larger machine
    ├── DataFault        a malformed or changed file, a contract or a rule broken beyond its limit: a person mends the data
    ├── ConfigFault      the job is wrong: a person mends the named field
    ├── CommitConflict   another run published first: read again, merge again
    └── CommitUnknown    nobody can tell whether a publish went through: try again, never escalate

The class name is what the state machine's ``ErrorEquals`` matches, so nothing derives from the six leaves.
"""


class FlowForgeError(Exception):
    """A failure whose message tells a person what happened to which file, row, column or option, and what to do."""

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        row: int | None = None,
        column: str | None = None,
        option: str | None = None,
    ) -> None:
        super().__init__(message)
        self.file = file
        self.row = row
        self.column = column
        self.option = option


class RetryLater(FlowForgeError):
    """A service refused or did not answer; the same request may pass later."""


class NextTier(FlowForgeError):
    """This machine is too small for the step; the same request goes to the next compute tier."""


class DataFault(FlowForgeError):
    """The data cannot be processed as it is; trying again gives the same answer."""


class ConfigFault(FlowForgeError):
    """The workflow or the job is configured wrongly; the message names the field."""


class CommitConflict(FlowForgeError):
    """Another run published in between; nothing of this attempt is visible."""


class CommitUnknown(FlowForgeError):
    """A publish was sent and its outcome could not be read back."""
