"""Calls of functions at once: processes of their own, up to the bounds."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flowforge.local.function_logs import FunctionLogs
from flowforge.local.functions import FunctionHost, TooManyRequestsError
from flowforge.local.reaper import Reaper
from flowforge.local.sandbox import SandboxSettings
from flowforge.local.template import FunctionSpec
from unit.local.conftest import Eventually
from unit.local.functions_lab import MakeHost, call, runtimes


def test_concurrent_calls_get_processes_of_their_own_up_to_the_bound(
    make: MakeHost, tmp_path: Path, eventually: Eventually
) -> None:
    host = make(concurrency=2)
    places = [tmp_path / f"here-{number}" for number in range(3)]
    gate = tmp_path / "gate"

    def occupy(place: Path) -> int:
        return int(call(host, do="wait", here=str(place), until=str(gate))["pid"])

    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(occupy, place) for place in places]
        eventually(lambda: sum(place.exists() for place in places) == 2)
        gate.touch()
        pids = [future.result() for future in calls]
    assert len(set(pids)) == 2


def test_no_more_processes_are_kept_warm_than_are_of_use(
    folder: Path, state: Path, reaper: Reaper, logs: FunctionLogs, eventually: Eventually
) -> None:
    specs = [FunctionSpec(name, folder, "handler.handle", 256, 20, {}) for name in "AB"]
    host = FunctionHost(specs, SandboxSettings(state, {}, reaper, logs), concurrency=1)
    try:
        host.warm("AABB")
        # A process that has just been started does not tell its command line yet.
        eventually(lambda: len(runtimes()) == 3)
        for name in "AB":
            assert host.invoke(name, b"{}").error is None
        assert len(runtimes()) == 3
    finally:
        host.close()


def test_above_its_reserved_concurrency_a_function_is_throttled(make: MakeHost, tmp_path: Path, eventually: Eventually) -> None:
    host = make(reserved_concurrency=1)
    here, gate = tmp_path / "here", tmp_path / "gate"
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(call, host, do="wait", here=str(here), until=str(gate))
        eventually(here.exists)
        with pytest.raises(TooManyRequestsError) as throttled:
            call(host)
        gate.touch()
        running.result()
    assert throttled.value.reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert call(host)


def test_above_the_concurrency_of_the_account_functions_are_throttled(
    make: MakeHost, tmp_path: Path, eventually: Eventually
) -> None:
    host = make(account_concurrency=1)
    here, gate = tmp_path / "here", tmp_path / "gate"
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(call, host, do="wait", here=str(here), until=str(gate))
        eventually(here.exists)
        with pytest.raises(TooManyRequestsError) as throttled:
            call(host)
        gate.touch()
        running.result()
    assert throttled.value.reason == "ConcurrentInvocationLimitExceeded"
