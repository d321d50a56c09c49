"""The command itself: what needs no stack."""

import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-c", "from flowforge.cli.main import app; app()"]


def flowforge(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def test_the_version_is_printed() -> None:
    assert flowforge("version").stdout == "flowforge 0.1.0\n"


def test_help_loads_no_heavy_library() -> None:
    program = (
        "import sys\n"
        "from flowforge.cli.main import app\n"
        "try:\n"
        "    app(['run', '--help'])\n"
        "except SystemExit as end:\n"
        "    heavy = {'polars', 'boto3', 'botocore', 'starlette', 'yaml'} & set(sys.modules)\n"
        "    sys.exit(f'loaded: {heavy}' if heavy or end.code else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for option in ("--primary-key", "--merge", "--aggregate", "--workflow", "--sample", "--state"):
        assert option in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["run", "--colour", "red"],
        ["run", "missing.csv"],
        ["run", "*.nothing"],
        ["run", "orders.csv", "--aggregate", "total(amount)"],
        ["run", "orders.csv", "--merge"],
        ["run", "orders.csv", "--sample"],
        ["run", "--workflow", "missing.yaml", "--data", "."],
        ["runs"],
    ],
)
def test_wrong_usage_ends_with_two_and_no_traceback(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("id\n1\n")
    done = flowforge(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()
    assert not (tmp_path / ".flowforge").exists()


def test_a_wrong_workflow_ends_with_one_and_names_the_field(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text("{id: wf, name: W, jobs: [{id: j, name: J, order: first}]}")
    done = flowforge("run", "--workflow", "w.yaml", "--data", ".", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: w.yaml: jobs[0].order: ")
    assert "Traceback" not in done.stderr
