import threading

import pytest

from flowforge.lake import keys
from flowforge.lake.contracts import latest_contract, read_contract, settle_contract, store_contract
from flowforge.lake.lake import Lake
from flowforge.model.contract import Contract, ContractColumn, DataType
from flowforge.model.errors import CommitConflict, ConfigFault
from s3_faults import answering

IDS = ("wf_shop", "job_orders")


def columns(*names: str) -> tuple[ContractColumn, ...]:
    return tuple(ContractColumn(name=name, source=name, data_type=DataType.parse("text")) for name in names)


def settled(lake: Lake, run: str, *names: str, start: Contract | None = None) -> Contract:
    return settle_contract(lake, *IDS, start=start, derive=lambda _: columns(*names), run_id=run)


def test_the_first_run_stores_version_one(lake: Lake) -> None:
    contract = settled(lake, "a", "x")
    assert (contract.version, contract.run_id) == (1, "a")
    assert read_contract(lake, *IDS, 1) == contract
    assert latest_contract(lake, *IDS) == contract


def test_a_contract_that_suffices_is_kept(lake: Lake) -> None:
    first = settled(lake, "a", "x")
    assert settled(lake, "b", "x", start=first) == first
    assert read_contract(lake, *IDS, 2) is None


def test_another_contract_is_the_next_version_and_none_is_changed(lake: Lake) -> None:
    first = settled(lake, "a", "x")
    second = settled(lake, "b", "x", "y", start=first)
    assert second.version == 2
    assert read_contract(lake, *IDS, 1) == first
    assert latest_contract(lake, *IDS, start=1) == second


def test_runs_that_need_a_new_version_at_once_agree_on_the_first(lake: Lake) -> None:
    gate = threading.Barrier(4)
    answers: list[Contract] = []

    def settle(run: str) -> None:
        gate.wait()
        answers.append(settled(lake, run, "x"))

    threads = [threading.Thread(target=settle, args=(run,)) for run in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    assert all(answer == answers[0] for answer in answers)
    assert read_contract(lake, *IDS, 2) is None


def test_a_run_that_started_from_an_older_version_derives_from_the_newer(lake: Lake) -> None:
    first = settled(lake, "a", "x")
    second = settled(lake, "b", "x", "y", start=first)
    seen: list[Contract | None] = []

    def derive(present: Contract | None) -> tuple[ContractColumn, ...]:
        seen.append(present)
        return columns("x", "y") if present == second else columns("z")

    assert settle_contract(lake, *IDS, start=first, derive=derive, run_id="c") == second
    assert seen == [first, second]


def test_a_contract_that_is_always_taken_is_a_conflict(lake: Lake) -> None:
    with answering(lake, "PutObject", 412, "PreconditionFailed"), pytest.raises(CommitConflict, match="job_orders"):
        settled(lake, "a", "x")


@pytest.mark.parametrize("edited", ["{", '{"version": 1}', '{"version": 2, "runId": "a", "columns": []}'])
def test_a_contract_that_was_edited_wrongly_is_named(lake: Lake, edited: str) -> None:
    lake.overwrite(keys.contract_key(*IDS, 1), edited)
    with pytest.raises(ConfigFault, match=r"contracts/wf_shop/job_orders/v000001.json"):
        latest_contract(lake, *IDS)


def test_a_contract_that_the_plan_names_must_be_there(lake: Lake) -> None:
    with pytest.raises(ConfigFault, match=r"v000003.json was named by the plan and is gone"):
        latest_contract(lake, *IDS, start=3)


def test_before_the_first_run_there_is_no_contract(lake: Lake) -> None:
    assert latest_contract(lake, *IDS) is None


def test_a_version_that_somebody_else_stored_meanwhile_is_not_overwritten(lake: Lake) -> None:
    first = settled(lake, "a", "x")
    second = store_contract(lake, *IDS, columns("x", "y"), after=first.version, run_id="by-hand")
    assert latest_contract(lake, *IDS) == second
    with pytest.raises(CommitConflict, match="version 2 of the contract of job_orders was stored meanwhile"):
        store_contract(lake, *IDS, columns("z"), after=first.version, run_id="by-hand")
    assert latest_contract(lake, *IDS) == second
