"""Executions that outlive their service: what is kept, what is done again, and what ends at once."""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flowforge.local.states.clock import LoopClock, VirtualTimeLoop
from flowforge.local.states.execution import Execution
from flowforge.local.states.journal import FolderJournal, Journal, MemoryJournal
from flowforge.local.states.service import StatesService
from unit.local.states_lab import DAWN, ROLE, Raises, ScriptedFunctions, Takes, machine, task

RUN = "arn:aws:states:us-east-1:000000000000:execution:Test:run"
TAKEN = "{% $states.result.Payload %}"
INNER = {"C": task("Inner", Output=TAKEN, End=True)}


def life(
    journal: Journal,
    script: Mapping[str, Any],
    *,
    states: Mapping[str, Any] | None = None,
    value: Any = None,
    seconds: float = 1000,
    begin: datetime = DAWN,
    alias: str | None = None,
    act: Callable[[StatesService], object] = StatesService.recover,
    **fields: Any,
) -> tuple[Execution, ScriptedFunctions]:
    """One life of a service: it starts an execution of ``states``, or goes on with one, for some virtual seconds."""
    loop = VirtualTimeLoop()
    functions = ScriptedFunctions(script)

    async def main() -> Execution:
        service = StatesService([functions], clock=LoopClock(loop, begin), journal=journal)
        service.recover()
        if states is not None:
            created = service.machines.create("Test", json.dumps(machine(states, **fields)), ROLE)
            arn = created.arn
            if alias is not None:
                version, _ = service.machines.versions.publish(created)
                routing = [{"stateMachineVersionArn": version.version_arn, "weight": 100}]
                arn = service.machines.versions.create_alias(alias, routing, "").arn
            service.start_execution(arn, json.dumps({} if value is None else value), "run")
        act(service)
        await asyncio.sleep(seconds)
        execution = service.execution(RUN)
        await service.close()
        return execution

    try:
        return loop.run_until_complete(main()), functions
    finally:
        loop.close()


def after(seconds: float) -> datetime:
    return DAWN + timedelta(seconds=seconds)


@pytest.fixture(params=["memory", "folder"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal:
    return MemoryJournal() if request.param == "memory" else FolderJournal(tmp_path / "executions")


def test_an_execution_goes_on_from_its_last_finished_state(journal: Journal) -> None:
    states = {
        "A": task("First", Output=TAKEN, Assign={"x": TAKEN}, Next="B"),
        "B": task("Second", Output=TAKEN, Next="C"),
        "C": {"Type": "Pass", "Output": "{% [$states.input, $x] %}", "End": True},
    }
    script = {"First": "one", "Second": Takes(50, "two")}
    cut, functions = life(journal, script, states=states, seconds=10)
    assert (cut.status.value, [name for name, _ in functions.calls]) == ("RUNNING", ["First", "Second"])
    ended, functions = life(journal, script, begin=after(20))
    assert (ended.status.value, ended.output_text) == ("SUCCEEDED", '["two","one"]')
    assert [name for name, _ in functions.calls] == ["Second"]
    events = ended.history.events
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    # The state that was in flight is entered again, after the exit of the one before it.
    entered = [event for event in events if event.details.get("name") == "B" and event.kind == "TaskStateEntered"]
    [left] = [event for event in events if event.details.get("name") == "A" and event.kind == "TaskStateExited"]
    assert [event.previous_id for event in entered] == [left.id, left.id]
    assert ended.started == DAWN


def test_what_has_ended_is_told_as_it_was(journal: Journal) -> None:
    ended, _ = life(journal, {"F": Raises("A", "row 3")}, states={"S": task(End=True)})
    told, functions = life(journal, {}, begin=after(5000))
    assert functions.calls == []
    assert (told.status, told.error, told.cause, told.stopped) == (ended.status, ended.error, ended.cause, ended.stopped)
    assert told.history.events == ended.history.events
    assert told.machine.definition == ended.machine.definition


def test_an_execution_still_names_the_alias_and_the_version_that_started_it(journal: Journal) -> None:
    begun, _ = life(journal, {"F": Takes(50)}, states={"S": task(End=True)}, seconds=10, alias="live")
    told, _ = life(journal, {"F": Takes(50)}, begin=after(20))
    assert begun.machine.alias_arn == f"{begun.machine.arn}:live"
    named = [(item.machine.version_arn, item.machine.alias_arn) for item in (begun, told)]
    assert named[0] == named[1] == (f"{begun.machine.arn}:1", f"{begun.machine.arn}:live")


@pytest.mark.parametrize("begin", [5, 50, 500])
def test_a_wait_ends_when_it_would_have(journal: Journal, begin: float) -> None:
    states = {"W": {"Type": "Wait", "Seconds": 100, "End": True}}
    life(journal, {}, states=states, seconds=5)
    ended, _ = life(journal, {}, begin=after(begin))
    assert ended.stopped == after(max(100, begin))


def test_the_machines_time_limit_counts_from_the_start(journal: Journal) -> None:
    states = {"W": {"Type": "Wait", "Seconds": 1000, "End": True}}
    life(journal, {}, states=states, seconds=5, TimeoutSeconds=60)
    ended, _ = life(journal, {}, begin=after(20))
    assert (ended.status.value, ended.stopped) == ("TIMED_OUT", after(60))
    life(journal, {})


def test_iterations_that_were_finished_are_not_run_again(journal: Journal) -> None:
    processor = {"StartAt": "C", "States": INNER}
    states = {"M": {"Type": "Map", "ItemProcessor": processor, "MaxConcurrency": 1, "End": True}}
    script = {"Inner": [Takes(5, "a"), Takes(5, "b"), Takes(5, "c")]}
    _, functions = life(journal, script, states=states, value=[1, 2, 3], seconds=12)
    assert [event for _, event in functions.calls] == [1, 2, 3]
    ended, functions = life(journal, {"Inner": "again"}, begin=after(20))
    assert ([event for _, event in functions.calls], ended.output_text) == ([3], '["a","b","again"]')


def test_an_iteration_whose_item_is_another_now_is_run_again(journal: Journal) -> None:
    processor = {"StartAt": "C", "States": INNER}
    items = "{% [$random(), $random()] %}"
    states = {"M": {"Type": "Map", "Items": items, "ItemProcessor": processor, "MaxConcurrency": 1, "End": True}}
    life(journal, {"Inner": Takes(5)}, states=states, seconds=7)
    _, functions = life(journal, {"Inner": 1}, begin=after(20))
    assert len(functions.calls) == 2


def test_branches_that_were_finished_are_not_run_again(journal: Journal) -> None:
    slow = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 50, "End": True}}}
    states = {"P": {"Type": "Parallel", "Branches": [{"StartAt": "C", "States": INNER}, slow], "End": True}}
    life(journal, {"Inner": "done"}, states=states, seconds=10)
    ended, functions = life(journal, {}, begin=after(20))
    assert (functions.calls, ended.output_text, ended.stopped) == ([], '["done",{}]', after(50))


def test_a_cycle_tells_its_rounds_apart(journal: Journal) -> None:
    states = {
        "A": task("Count", Assign={"n": "{% $exists($n) ? $n + 1 : 1 %}"}, Next="C"),
        "C": {"Type": "Choice", "Choices": [{"Condition": "{% $n = 4 %}", "Next": "E"}], "Default": "A"},
        "E": {"Type": "Succeed", "Output": "{% $n %}"},
    }
    life(journal, {"Count": Takes(10)}, states=states, seconds=25)
    ended, functions = life(journal, {"Count": 1}, begin=after(30))
    assert (ended.output_text, len(functions.calls)) == ("4", 2)


def test_an_execution_survives_many_deaths(journal: Journal) -> None:
    states = {name: task(name, Output=TAKEN, Next=after) for name, after in [("A", "B"), ("B", "C"), ("C", "D")]}
    script = {name: Takes(10, name) for name in "ABC"}
    life(journal, script, states={**states, "D": {"Type": "Pass", "End": True}}, seconds=4)
    for _ in range(5):
        ended, _ = life(journal, script, seconds=14, begin=after(100))
    assert ended.output_text == '"C"'
    assert [event.kind for event in ended.history.events].count("ExecutionStarted") == 1


def test_a_stop_is_for_good(journal: Journal) -> None:
    states = {"W": {"Type": "Wait", "Seconds": 100, "End": True}}
    life(journal, {}, states=states, act=lambda service: service.stop_execution(service.execution(RUN).arn, "Enough"))
    told, _ = life(journal, {})
    assert (told.status.value, told.error) == ("ABORTED", "Enough")


def test_a_definition_that_is_not_understood_any_more_ends_the_execution() -> None:
    journal = MemoryJournal()
    life(journal, {}, states={"W": {"Type": "Wait", "Seconds": 100, "End": True}}, seconds=5)
    start = journal.records[RUN][0]
    start["machine"]["text"] = start["machine"]["text"].replace('"Wait"', '"Ponder"')
    told, _ = life(journal, {}, begin=after(10))
    assert (told.status.value, told.error) == ("FAILED", "States.Runtime")
    assert "not understood any more" in str(told.cause)
    assert life(journal, {})[0].status.value == "FAILED"


def test_a_death_between_the_last_event_and_the_end_is_made_good() -> None:
    journal = MemoryJournal()
    ended, _ = life(journal, {"F": 1}, states={"S": task(End=True)})
    assert journal.records[RUN].pop()["record"] == "ended"
    again, functions = life(journal, {})
    assert (again.status, again.output_text, functions.calls) == (ended.status, ended.output_text, [])
    assert [event.kind for event in again.history.events] == [event.kind for event in ended.history.events]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_log_that_was_cut_off_anywhere_is_read_to_its_last_whole_line(tmp_path: Path, cut: int) -> None:
    journal = FolderJournal(tmp_path)
    life(journal, {"F": 1}, states={"A": task(Next="B"), "B": task(End=True)})
    [path] = tmp_path.iterdir()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * cut // 60])
    if b"\n" not in path.read_bytes():
        assert list(journal.logs()) == [[]]
        return
    again, _ = life(FolderJournal(tmp_path), {"F": 1}, begin=after(30))
    assert again.status.value == "SUCCEEDED"
    assert life(FolderJournal(tmp_path), {})[0].history.events == again.history.events


def test_a_torn_line_is_gone_before_the_next_one_is_written(tmp_path: Path) -> None:
    journal = FolderJournal(tmp_path)
    life(journal, {"F": Takes(50)}, states={"A": task(End=True)}, seconds=5)
    [path] = tmp_path.iterdir()
    path.write_bytes(path.read_bytes() + b'{"record": "ev')
    life(FolderJournal(tmp_path), {"F": 1}, begin=after(10))
    assert all(json.loads(line) for line in path.read_bytes().splitlines())


def test_names_that_differ_in_case_alone_have_their_own_logs(tmp_path: Path) -> None:
    journal = FolderJournal(tmp_path)
    for name in ("Run", "run"):
        journal.log(f"arn:{name}").write({"name": name})
    names = [path.name.lower() for path in tmp_path.iterdir()]
    assert len(set(names)) == 2
