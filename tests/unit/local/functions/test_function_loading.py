"""Loading a function: at its first call, before it, and where it cannot be loaded."""

import pytest

from unit.local.conftest import Eventually
from unit.local.functions_lab import MakeHost, call, fail, runtimes


@pytest.mark.parametrize(
    ("handler", "error_type", "message"),
    [
        ("nothing.handle", "Runtime.ImportModuleError", "Unable to import module 'nothing'"),
        ("broken.handle", "Runtime.ImportModuleError", "No module named 'nothing_of_that_name'"),
        ("wrong.handle", "Runtime.UserCodeSyntaxError", "Syntax error in module 'wrong'"),
        ("handler.nothing", "Runtime.HandlerNotFound", "Handler 'nothing' missing on module 'handler'"),
        ("angry.handle", "RuntimeError", "not today"),
    ],
)
def test_a_function_that_cannot_be_loaded_tells_why_every_time(
    make: MakeHost, handler: str, error_type: str, message: str
) -> None:
    host = make(handler)
    for _ in range(2):
        error = fail(host)
        assert error["errorType"] == error_type
        assert message in error["errorMessage"]


def test_a_function_that_was_warmed_and_cannot_be_loaded_tells_why(make: MakeHost) -> None:
    host = make("broken.handle")
    host.warm(["F"])
    assert fail(host)["errorType"] == "Runtime.ImportModuleError"


def test_a_warmed_function_serves_its_first_call(make: MakeHost, eventually: Eventually) -> None:
    host = make()
    host.warm(["F"])
    # A process that has just been started does not tell its command line yet.
    eventually(lambda: len(runtimes()) == 1)
    [process] = runtimes()
    assert call(host)["pid"] == process.pid


def test_waiting_for_warmed_functions_ends_when_they_are_loaded_or_cannot_be(make: MakeHost) -> None:
    for handler in ("handler.handle", "nothing.handle"):
        host = make(handler)
        host.warm(["F"])
        host.wait_loaded(seconds=20)
    report = make().invoke("F", b"{}").log_tail.decode()
    assert "Init Duration" in report
