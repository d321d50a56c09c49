"""What the service itself takes of an execution's time."""

import asyncio
import json
import time
from pathlib import Path

from flowforge.local.states.journal import FolderJournal
from flowforge.local.states.service import StatesService
from unit.local.states_lab import ROLE, ScriptedFunctions, machine, task

STATES = 100
ALLOWED_SECONDS = 0.020


def test_a_state_takes_less_than_twenty_milliseconds_of_the_service(tmp_path: Path) -> None:
    names = [f"S{number}" for number in range(STATES)]
    text = json.dumps(machine({name: _step(name, after) for name, after in zip(names, [*names[1:], ""], strict=True)}))

    async def main() -> float:
        service = StatesService([ScriptedFunctions({"F": {"rows": 5}})], journal=FolderJournal(tmp_path))
        arn = service.machines.create("Test", text, ROLE).arn
        started = time.perf_counter()
        execution = service.start_execution(arn, "{}", "run")
        assert execution.task is not None
        await execution.task
        assert execution.status.value == "SUCCEEDED"
        return time.perf_counter() - started

    seconds = asyncio.run(main())
    print(f"{seconds / STATES * 1000:.2f} ms a state")  # noqa: T201 -- shown by pytest -s
    assert seconds / STATES < ALLOWED_SECONDS


def _step(name: str, after: str) -> dict[str, object]:
    flow = {"Next": after} if after else {"End": True}
    return task(
        Output="{% {'n': $states.result.Payload.rows, 'of': $states.context.State.Name} %}", Assign={"last": name}, **flow
    )
