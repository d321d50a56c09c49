import re
import signal
from pathlib import Path

import pytest

from flowforge.model import errors
from flowforge.model.errors import FlowForgeError
from flowforge.model.exit_codes import BY_SIGNAL, OF_ERROR, ExitCode, exit_code


def leaves() -> set[type[FlowForgeError]]:
    return {item for item in vars(errors).values() if isinstance(item, type) and item.__base__ is FlowForgeError}


def test_every_error_of_the_tree_has_an_exit_code_and_nothing_else_has() -> None:
    assert set(OF_ERROR) == leaves()


def test_no_two_errors_share_an_exit_code_and_every_code_has_a_meaning() -> None:
    others = {ExitCode.SUCCESS, ExitCode.UNEXPECTED, ExitCode.USAGE, ExitCode.TERMINATED}
    assert len(set(OF_ERROR.values())) == len(OF_ERROR)
    assert set(OF_ERROR.values()) | others == set(ExitCode)
    assert not set(OF_ERROR.values()) & others


def test_the_codes_of_errors_are_none_that_a_shell_an_engine_or_a_signal_uses() -> None:
    assert all(2 < code < 64 for code in OF_ERROR.values())
    assert ExitCode.TERMINATED == BY_SIGNAL + signal.SIGTERM


@pytest.mark.parametrize("kind", sorted(leaves(), key=str))
def test_an_error_is_told_by_its_name(kind: type[FlowForgeError]) -> None:
    assert exit_code(kind("x")).name.replace("_", "").lower() == kind.__name__.lower()


def test_what_is_no_error_of_the_tree_is_unexpected() -> None:
    assert exit_code(KeyError("x")) is ExitCode.UNEXPECTED
    assert exit_code(FlowForgeError("x")) is ExitCode.UNEXPECTED


def test_the_reference_has_the_table_with_every_code() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "worker.md").read_text()
    rows = dict(re.findall(r"^\| (\d+) \| (.+) \|$", page, re.MULTILINE))
    assert set(map(int, rows)) == set(ExitCode)
    assert {code: rows[str(int(code))] for code in OF_ERROR.values()} == {
        code: f"`{kind.__name__}`" for kind, code in OF_ERROR.items()
    }
