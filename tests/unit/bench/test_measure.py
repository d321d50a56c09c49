"""What is made of the runs of a benchmark: ratios within rounds, verdicts, and a page that hides nothing."""

import sys

import pytest

from bench.cases import Case, Line, Verdict
from bench.measure import BrokenVariantError, Measurements, Run, Variant, run_once
from bench.report import Result, page

FAST = [Run(1.0, 2.0, 100.0), Run(2.0, 4.0, 120.0), Run(3.0, 6.0, 90.0)]
SLOW = [Run(2.0, 2.0, 50.0), Run(2.0, 2.0, 50.0), Run(30.0, 2.0, 50.0)]


def test_a_ratio_is_the_median_of_the_ratios_within_a_round() -> None:
    measured = Measurements({"fast": FAST, "slow": SLOW})
    assert measured.ratio("fast", "slow", "wall_seconds") == 0.5
    assert measured.ratio("fast", "slow", "cpu_seconds") == 2.0
    assert measured.peak_mb("fast") == 120.0


def test_measurements_come_back_from_a_file_as_they_were() -> None:
    measured = Measurements({"fast": FAST, "killed": [Run(killed=True, limited=True)]})
    assert Measurements.from_document(measured.to_document()) == measured
    assert not measured.passed("killed")


def test_a_missed_target_stands_on_the_page_with_its_reason_and_profile() -> None:
    line = Line("sorting", "<= 1 s", lambda m: Verdict("2 s", m.median("fast", "wall_seconds") <= 1), "fast", why="It is slow.")
    case = Case("sort", "Sorting", (Variant("fast", "a:b", 512), Variant("slow", "a:c")), (line,))
    measured = Measurements({"fast": FAST, "slow": [Run(killed=True, limited=True)] * 3})
    text = page([Result(case, measured, (1.0, 2.0), {"sorting": ["1.90 s sort"]})], {"processors": "2"})
    assert "| sorting | <= 1 s | 2 s | **missed** |" in text
    assert "It is slow." in text
    assert "1.90 s sort" in text
    assert "| fast | 512 MiB | 2.00 s | 4.00 s | 120 MB |" in text
    assert "| slow |  | killed for memory |  |  |" in text


def test_a_case_that_nobody_measured_is_told_as_such() -> None:
    line = Line("sorting", "<= 1 s", lambda _: Verdict("never", met=True), "fast")
    text = page([], {}, [Case("sort", "Sorting", (), (line,))])
    assert '| sorting | <= 1 s | `make bench CASES="sort"` tells | not measured |' in text


def test_a_variant_that_fails_is_told_and_not_measured() -> None:
    with pytest.raises(BrokenVariantError, match="No module named 'nowhere'"):
        run_once(Variant("broken", "nowhere:work"), scale=1)
    assert "nowhere" not in sys.modules
