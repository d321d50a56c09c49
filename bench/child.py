"""The fresh process of one variant: gets ready, then does the work while clock, processors and memory are watched."""

import cProfile
import importlib
import json
import pstats
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.workplace import Workplace

Facts = dict[str, Any]
"""What a variant found out, such as how many rows it wrote: the variants of a case have to agree on it."""
Work = Callable[[], Facts]
Variant = Callable[[Workplace], Work]
"""Gets everything ready, without being watched, and answers with the work."""
PROFILE_LINES = 12


def main() -> None:
    """Run the variant that the arguments name, and print what was measured as the last line."""
    order = json.loads(sys.argv[1])
    module, _, function = order["variant"].partition(":")
    variant: Variant = getattr(importlib.import_module(module), function)
    work = variant(Workplace(order["scale"], Path(order["scratch"])))
    profile = cProfile.Profile() if order["profile"] else None
    started, used = time.perf_counter(), time.process_time()
    facts = profile.runcall(work) if profile else work()
    measured = {"wall_seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - used}
    measured["peak_mb"] = peak_bytes() / 1e6
    print(json.dumps({**measured, "facts": facts, "profile": _lines(profile) if profile else []}))


def peak_bytes() -> int:
    """The largest resident set of this process since it was loaded."""
    status = Path("/proc/self/status")
    if status.exists():
        # getrusage's figure is inherited from the process that forked this one.
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _lines(profile: cProfile.Profile) -> list[str]:
    """Where the time went, by the product's own functions: seconds with everything below, calls, function."""
    found = []
    for (file, line, name), (_, calls, _, cumulative, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if "/flowforge/" in file:
            found.append((cumulative, calls, f"{file.rpartition('/flowforge/')[2]}:{line} {name}"))
    found.sort(reverse=True)
    return [f"{seconds:7.2f} s {calls:6} x  {where}" for seconds, calls, where in found[:PROFILE_LINES]]


if __name__ == "__main__":
    main()
