"""Every way a command can end has its status, and none of the expected ones a traceback."""

import io
import signal

import pytest
from botocore.exceptions import EndpointConnectionError
from rich.console import Console

from flowforge.cli.endings import Interrupted, say, status_of
from flowforge.cli.usage import UsageError
from flowforge.local.errors import LocalStackError
from flowforge.model.errors import ConfigFault


def ended(work: object) -> tuple[int, str]:
    errors = Console(file=io.StringIO(), width=30, record=True)

    def raise_or_return() -> int:
        if isinstance(work, BaseException):
            raise work
        assert isinstance(work, int)
        return work

    return status_of(raise_or_return, errors), errors.export_text()


@pytest.mark.parametrize("status", [0, 1])
def test_the_status_of_the_work_is_the_commands(status: int) -> None:
    assert ended(status) == (status, "")


def test_wrong_usage_ends_with_two_and_points_to_the_help() -> None:
    assert ended(UsageError("no [such] option")) == (2, "error: no [such] option\nTry 'flowforge run --help'.\n")


@pytest.mark.parametrize(
    "error",
    [
        ConfigFault("jobs[0].name: too long"),
        LocalStackError("the emulator did not start"),
        PermissionError(13, "Permission denied", "orders.csv"),
        EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
    ],
)
def test_an_expected_error_is_one_line_and_ends_with_one(error: Exception) -> None:
    assert ended(error) == (1, f"error: {error}\n")


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        ended(ZeroDivisionError())


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_command_as_shells_expect(number: int, status: int) -> None:
    cleaned = []

    def work() -> int:
        try:
            signal.raise_signal(number)
        finally:
            # While things are being cleaned up, another signal must not break into it.
            signal.raise_signal(number)
            cleaned.append(number)
        return 0

    # Whoever started the tests may have had the signal ignored.
    before = signal.signal(number, signal.SIG_DFL)
    errors = Console(file=io.StringIO(), record=True)
    try:
        assert status_of(work, errors) == status
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert errors.export_text() == "stopped\n"
    assert cleaned == [number]


def test_a_signal_that_the_caller_ignores_stays_ignored() -> None:
    def hung_up() -> int:
        signal.raise_signal(signal.SIGHUP)
        return 0

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert status_of(hung_up, Console(file=io.StringIO())) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_nothing_on_the_way_takes_an_interruption_for_an_error() -> None:
    assert not issubclass(Interrupted, Exception)


def test_a_line_is_said_as_it_is() -> None:
    console = Console(file=io.StringIO(), width=10, record=True)
    say(console, "[b]a long line\x07 with :smile: 12.5")
    assert console.export_text() == "[b]a long line\\x07 with :smile: 12.5\n"
