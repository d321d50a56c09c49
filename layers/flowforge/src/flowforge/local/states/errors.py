"""The two ways to fail: a state that fails while an execution runs, and a request that the service refuses."""

from enum import Enum

RUNTIME = "States.Runtime"
TIMEOUT = "States.Timeout"
ALL = "States.ALL"
TASK_FAILED = "States.TaskFailed"
DATA_LIMIT_EXCEEDED = "States.DataLimitExceeded"
QUERY_EVALUATION_ERROR = "States.QueryEvaluationError"


class Handling(Enum):
    """Who may handle a failure."""

    ANY = "any"
    """A retrier or catcher that names the error, or States.ALL."""
    NAMED = "named"
    """Only a retrier or catcher that names the error itself."""
    NONE = "none"
    """Nobody: the execution ends."""


class StateError(Exception):
    """A state failed with an error name and a cause (None: AWS gives none, as for a timeout)."""

    def __init__(self, error: str | None, cause: str | None, *, handling: Handling = Handling.ANY) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause
        self.handling = handling

    def output(self) -> dict[str, str]:
        """What a catcher sees as ``$states.errorOutput``."""
        return {"Error": self.error or "", "Cause": self.cause or ""}


class QueryError(StateError):
    """An expression could not be evaluated. ``location`` is its field, as AWS names it: ``Output/a/b[0]``."""

    def __init__(self, cause: str, location: str) -> None:
        super().__init__(QUERY_EVALUATION_ERROR, cause)
        self.location = location


class ServiceError(Exception):
    """A request that is refused with one of the service's own error codes, HTTP status 400."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def does_not_exist(kind: str, arn: str) -> ServiceError:
    """The refusal of a request for a state machine or an execution that is not there."""
    return ServiceError(f"{kind.replace(' ', '')}DoesNotExist", f"{kind} Does Not Exist: '{arn}'")


def runtime_failure(cause: str) -> StateError:
    """States.Runtime: never retried, never caught, not even by its own name."""
    return StateError(RUNTIME, cause, handling=Handling.NONE)
