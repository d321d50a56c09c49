"""`python -m bench [CASE ...]`: measure, print the table of targets, and write the page."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from bench.cases import CASES, Case
from bench.machine import described, load
from bench.measure import Measurements, Variant, measure, run_once
from bench.report import Result, judged, page, table, verdict_table
from bench.workplace import CACHE, ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
FULL_SCALE = 1.0


def main() -> int:
    """Measure the cases that are asked for, and show all that have been measured at this scale."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"some of: {', '.join(case.name for case in CASES)}")
    parser.add_argument("--scale", type=float, default=FULL_SCALE, help="size of the data; 1 is what the targets are for")
    parser.add_argument("--rounds", type=int, help="instead of each case's own number")
    parser.add_argument("--report", action="store_true", help="measure nothing, write the page from what was measured")
    arguments = parser.parse_args()
    unknown = set(arguments.cases) - {case.name for case in CASES}
    if unknown:
        parser.error(f"there is no case {', '.join(sorted(unknown))}")
    store = CACHE / "results" / f"scale-{arguments.scale:g}"
    store.mkdir(parents=True, exist_ok=True)
    if not arguments.report:
        for case in CASES:
            if not arguments.cases or case.name in arguments.cases:
                _measure(case, store, scale=arguments.scale, rounds=arguments.rounds or case.rounds)
    results = [_read(case, store) for case in CASES if _stored(case, store).exists()]
    unmeasured = [case for case in CASES if not _stored(case, store).exists()]
    print(verdict_table(results, unmeasured))
    target = PAGE if arguments.scale == FULL_SCALE else CACHE / "benchmarks.md"
    target.write_text(page(results, described(), unmeasured))
    print(f"written to {target.relative_to(ROOT)}")
    return 0


def _measure(case: Case, store: Path, *, scale: float, rounds: int) -> None:
    print(f"{case.name}: {case.title}", flush=True)
    if case.prepare is not None:
        command = [sys.executable, "-m", "bench.prepare", case.prepare, str(scale)]
        subprocess.run(command, check=True, cwd=ROOT, env=os.environ)
    before = load()
    measurements = measure(case.variants, scale=scale, rounds=rounds)
    _require_agreement(case, measurements)
    after, profiles = load(), dict[str, list[str]]()
    result = Result(case, measurements, (before, after), profiles)
    if case.figures is not None:
        print(table(case.figures[0], case.figures[1](measurements)))
    for line, verdict, _ in judged([result]):
        if verdict.met is False:
            [blamed] = [variant for variant in case.variants if variant.name == line.blamed]
            _, profiles[line.work] = run_once(Variant(blamed.name, blamed.function), scale=scale, profile=True)
    document = {"runs": measurements.to_document(), "load": result.load, "profiles": profiles}
    _stored(case, store).write_text(json.dumps(document, indent=1))


def _require_agreement(case: Case, measurements: Measurements) -> None:
    """Raise ArithmeticError where variants that do the same work have counted differently."""
    for group in case.same:
        facts = [run.facts for name in group for run in measurements.runs[name] if not run.killed]
        for name in set.intersection(*(set(item) for item in facts)) if facts else set():
            if len({item[name] for item in facts}) > 1:
                raise ArithmeticError(f"{case.name}: {', '.join(group)} differ in {name}: {[item[name] for item in facts]}")


def _stored(case: Case, store: Path) -> Path:
    return store / f"{case.name}.json"


def _read(case: Case, store: Path) -> Result:
    document = json.loads(_stored(case, store).read_text())
    before, after = document["load"]
    return Result(case, Measurements.from_document(document["runs"]), (before, after), document["profiles"])


if __name__ == "__main__":
    sys.exit(main())
