"""A person's own files, from the shell."""

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from e2e.command import RUN_SECONDS, Flowforge, Start, command, environment

pytestmark = pytest.mark.usefixtures("stacks_on_the_server_of_the_tests", "kept_stack")


def silver_figures(stdout: str) -> list[str]:
    """Rows in, written, duplicates and quarantined of Silver."""
    [line] = [line.split() for line in stdout.splitlines() if re.match(r" \w+ +Silver ", line)]
    return line[2:6]


def test_files_of_one_job_are_merged_by_a_composite_key(flowforge: Flowforge, tmp_path: Path) -> None:
    (tmp_path / "jan.csv").write_text("day,shop,amount\n1,a,1.00\n1,b,2.00\n")
    (tmp_path / "feb.csv").write_text("day,shop,amount\n1,b,3.50\n2,a,\n")
    options = ("--primary-key", "day,shop", "--merge", "--name", "Takings", "--type", "amount=decimal(9,2)")
    gold = ("--group-by", "shop", "--aggregate", "total=sum(amount)", "--aggregate", "count(*)")
    first = flowforge("jan.csv", "feb.csv", *options, *gold)
    assert (first.returncode, first.stderr) == (0, "")
    assert silver_figures(first.stdout) == ["4", "3", "1", "0"]
    assert [line.split() for line in first.stdout.splitlines()[-3:-1]] == [["a", "1.00", "2"], ["b", "3.50", "1"]]

    (tmp_path / "mar.csv").write_text("day,shop,amount\n3,b,4.00\n")
    second = flowforge("m*.csv", *options, *gold)
    assert (second.returncode, second.stderr) == (0, "")
    assert silver_figures(second.stdout)[:2] == ["1", "4"]
    assert "bronze/takings/takings/" in second.stdout


def test_a_header_only_is_a_success_without_rows(flowforge: Flowforge, tmp_path: Path) -> None:
    (tmp_path / "quiet.csv").write_text("id,amount\n")
    done = flowforge("quiet.csv", "--primary-key", "id")
    assert (done.returncode, done.stderr) == (0, "")
    assert silver_figures(done.stdout)[0] == "0"


def test_on_a_terminal_progress_stays_in_place_and_colours_can_be_switched_off(state: Path, tmp_path: Path) -> None:
    (tmp_path / "small.csv").write_text("id,name\n1,[red]x\n")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command("run", "small.csv", "--state", state),
        cwd=tmp_path,
        env=environment(NO_COLOR="1", TERM="xterm-256color"),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    os.close(ours)
    _, errors = process.communicate(timeout=RUN_SECONDS)
    assert (process.returncode, errors) == (0, b"")
    assert b"\x1b[1A" in shown, "the table was not drawn over"
    assert b"\x1b[3" not in shown, "there is a colour"
    assert b"[red]x" in shown
    assert b"small: Bronze: bronze/small/small/" in shown, "80 columns have no room for keys"


def test_a_reader_that_goes_away_causes_no_traceback(start: Start, tmp_path: Path) -> None:
    (tmp_path / "small.csv").write_text("id\n1\n")
    process = start("small.csv")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    assert process.wait(timeout=RUN_SECONDS) != 0
    assert errors == ""


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        # Linux answers EIO when the last process that had the terminal open has ended.
        return b""
