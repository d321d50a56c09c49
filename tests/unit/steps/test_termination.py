"""The end of a process by a signal, in processes of their own."""

import signal
import subprocess
import sys
from signal import SIGINT, SIGTERM

import pytest

from flowforge.model.exit_codes import ExitCode

BEFORE = """
import threading
from flowforge.steps.termination import Termination
termination = Termination(grace_seconds=0.2)
def forever():
    print("begun", flush=True)
    threading.Event().wait()
"""
END_SECONDS = 20


def ended(code: str, *, by: signal.Signals | None = None) -> tuple[int, str, str]:
    """Exit code, output and error stream of Python code that is sent a signal when it says that it has begun."""
    process = subprocess.Popen([sys.executable, "-c", BEFORE + code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        if by is not None:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            process.send_signal(by)
        output, errors = process.communicate(timeout=END_SECONDS)
    finally:
        process.kill()
    return process.returncode, output, errors


def test_work_that_ends_by_itself_decides_the_exit_code() -> None:
    assert ended("raise SystemExit(termination.run(lambda: 12))") == (12, "", "")


def test_work_that_breaks_its_promise_and_raises_is_an_unexpected_end() -> None:
    code, _, errors = ended("raise SystemExit(termination.run(lambda: 1 // 0))")
    assert code == ExitCode.UNEXPECTED
    assert "ZeroDivisionError" in errors


@pytest.mark.parametrize(("number", "code"), [(SIGTERM, 143), (SIGINT, 130)])
def test_a_signal_ends_the_process_while_its_work_goes_on(number: signal.Signals, code: int) -> None:
    assert ended("termination.run(forever)", by=number) == (code, "", "")


def test_a_signal_before_the_work_ends_the_process_too() -> None:
    assert ended("forever()", by=SIGTERM) == (143, "", "")


def test_whoever_works_is_told_before_things_are_cleared_up() -> None:
    code = "termination.clear_up = lambda: print(termination.begun.is_set(), flush=True)\ntermination.run(forever)"
    assert ended(code, by=SIGTERM) == (143, "True\n", "")


@pytest.mark.parametrize("clear_up", ["threading.Event().wait", "lambda: 1 // 0"])
def test_clearing_up_that_hangs_or_fails_holds_nothing_up(clear_up: str) -> None:
    assert ended(f"termination.clear_up = {clear_up}\ntermination.run(forever)", by=SIGTERM)[0] == 143
