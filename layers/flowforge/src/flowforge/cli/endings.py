"""How a command ends: every expected error becomes a message and a status, every signal an orderly end."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.text import Text

from flowforge.cli.untrusted import printable
from flowforge.cli.usage import UsageError
from flowforge.local.errors import LocalStackError
from flowforge.model.errors import FlowForgeError

SUCCESS, FAILURE, WRONG_USAGE = 0, 1, 2
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal asks the command to end; not an Exception, so that nothing on the way takes it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number
        """What shells report for a command that the signal ended."""


def status_of(work: Callable[[], int], errors: Console, *, command: str = "flowforge run") -> int:
    """Do the work; answer with its status, or with that of the error that ended it.

    An error that nobody expected keeps its traceback. ``command`` is whose help tells more of its usage.
    """
    try:
        with _signals_interrupt():
            return work()
    except UsageError as error:
        say(errors, f"error: {error}")
        say(errors, f"Try '{command} --help'.")
        return WRONG_USAGE
    except BrokenPipeError:
        raise
    except Exception as error:
        if not isinstance(error, _expected()):
            raise
        say(errors, f"error: {error}")
        return FAILURE
    except Interrupted as interrupted:
        say(errors, "stopped")
        return interrupted.status


def say(console: Console, line: str) -> None:
    """Print a line as it is: no markup, nothing that moves the cursor, not broken at the width of the screen."""
    console.print(Text(printable(line)), soft_wrap=True)


def _expected() -> tuple[type[Exception], ...]:
    """What a command may end with. Those of AWS are looked up here: loading them takes longer than most commands on the API."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    return (FlowForgeError, LocalStackError, Boto3Error, BotoCoreError, ClientError, OSError)


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Let the first signal interrupt, and no later one: the stack is ending then, which takes a second or two.

    A signal that the caller had ignored (nohup, a background job) stays ignored.
    """

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for taken in before:
            signal.signal(taken, signal.SIG_IGN)
        raise Interrupted(number)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    before = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
