"""Steps that outgrow their containers: each is ended for memory, for time or from outside, and finishes on the worker."""

import contextlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from big_runs import escalations, execute, land_big_file, results
from containers.function_container import ContainerFunctions, FunctionContainer
from containers.harness import REGION
from containers.relay import Relay, relayed
from csv_files import BLOCK_ROWS
from flowforge.lake.lake import BUCKET_VARIABLE
from flowforge.local.connection import CREDENTIALS
from flowforge.local.functions import FunctionBackend
from flowforge.local.project import find_project
from flowforge.local.stack import EMULATOR_CHUNK_BYTES, LocalStack
from flowforge.model.step import Step

pytestmark = [pytest.mark.containers, pytest.mark.large]

GIGABYTE = 1_000_000_000
QUARTER_HOUR = 900


class InContainers:
    """The local stack, the images that it calls, and how they reach its emulator."""

    def __init__(self, stack: LocalStack, functions: ContainerFunctions, relay: Relay) -> None:
        self.stack = stack
        self._functions = functions
        self._relay = relay

    @contextlib.contextmanager
    def running(self, function: str, image: str, *, memory_mib: int, timeout_seconds: int) -> Iterator[FunctionContainer]:
        """Let a function run in a container of its image as long as the block runs."""
        environment = {
            **CREDENTIALS,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self._relay.url,
            BUCKET_VARIABLE: self.stack.data_bucket,
            "POLARS_CSV_CHUNK_SIZE": EMULATOR_CHUNK_BYTES,
        }
        container = FunctionContainer(image, self._relay.network, environment, memory_mib, timeout_seconds)
        with container:
            container.start()
            self._functions.containers[function] = container
            try:
                yield container
            finally:
                del self._functions.containers[function]


@pytest.fixture(scope="module")
def in_containers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InContainers]:
    made: list[ContainerFunctions] = []

    def backend(host: FunctionBackend) -> FunctionBackend:
        made.append(ContainerFunctions(host))
        return made[0]

    with ExitStack() as open_:
        stack = open_.enter_context(LocalStack(find_project(), tmp_path_factory.mktemp("state"), backend=backend))
        port = int(stack.endpoints["aws"].rpartition(":")[2])
        yield InContainers(stack, made[0], open_.enter_context(relayed(port)))


def test_a_gigabyte_is_killed_for_memory_in_its_container_and_moves_once(in_containers: InContainers, tmp_path: Path) -> None:
    stack = in_containers.stack
    rows = land_big_file(stack, "wf_big", GIGABYTE, tmp_path)
    with (
        in_containers.running("BronzeIngest", "bronzeingest:latest", memory_mib=256, timeout_seconds=QUARTER_HOUR) as bronze,
        in_containers.running(
            "SilverTransform", "silvertransform:latest", memory_mib=3008, timeout_seconds=QUARTER_HOUR
        ) as silver,
    ):
        # What is killed while it loads is loaded again for the same call, so it is loaded before.
        silver.invoke(b"{}")
        told = escalations(execute(stack, "wf_big", "exec_memory", "SilverTransform", lambda: assert_killed(silver)))
        assert bronze.memory_kills() == 1
        assert silver.memory_kills() == 0
    # Both are the emulator's words for a process that was killed, whoever did it.
    assert {step: error for step, (error, _) in told.items()} == {
        "bronze_ingest": "Runtime.ExitError",
        "silver_transform": "Runtime.ExitError",
    }
    assert all("signal: killed" in cause for _, cause in told.values())
    done = results(stack.lake(), "exec_memory")
    # The file repeats one block of rows, and Silver keeps the last of each key.
    assert [result.counts.read for result in done.values()] == [rows, rows, BLOCK_ROWS]


def test_a_step_that_runs_out_of_time_in_its_container_moves_once(in_containers: InContainers, tmp_path: Path) -> None:
    stack = in_containers.stack
    rows = land_big_file(stack, "wf_slow", GIGABYTE // 10, tmp_path)
    with in_containers.running("SilverTransform", "silvertransform:latest", memory_mib=3008, timeout_seconds=1):
        told = escalations(execute(stack, "wf_slow", "exec_time", "SilverTransform", lambda: None))
    assert told["silver_transform"][0] == "Sandbox.Timedout"
    assert "timed out after 1.00 seconds" in told["silver_transform"][1]
    assert results(stack.lake(), "exec_time")[Step.SILVER_TRANSFORM].counts.read == rows


def assert_killed(container: FunctionContainer) -> None:
    assert container.kill_function()
