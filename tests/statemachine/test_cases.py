"""The interpreter against behaviour that was recorded on AWS: outcome, order and links of events, and time."""

import pytest

from statemachine.cases import concurrent, plain, scopes, tasks
from statemachine.cases.case import UNTOLD, Case
from unit.local.states_lab import run

LAST = {
    "SUCCEEDED": "ExecutionSucceeded",
    "FAILED": "ExecutionFailed",
    "TIMED_OUT": "ExecutionTimedOut",
}
CASES = [*plain.CASES, *tasks.CASES, *scopes.CASES, *concurrent.CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_execution_goes_as_on_aws(case: Case) -> None:
    ended = run(case.definition, case.value, case.script)
    told = (ended.status, *ended.failure)
    assert ended.status == case.status, told
    if case.output is not UNTOLD:
        assert ended.output == case.output
    if case.error is not UNTOLD:
        assert ended.failure[0] == case.error, told
    if case.cause is not None:
        assert case.cause in str(ended.failure[1])
    if case.events is not None:
        assert ended.kinds == ["ExecutionStarted", *case.events, LAST[case.status]]
    else:
        assert (ended.kinds[0], ended.kinds[-1]) == ("ExecutionStarted", LAST[case.status])
    links = {event_id: previous for event_id, previous, _ in ended.chain}
    assert {pair: links[pair[0]] for pair in case.links} == {pair: pair[1] for pair in case.links}
    if case.seconds is not None:
        assert ended.duration.total_seconds() == pytest.approx(case.seconds)


def test_no_two_cases_have_one_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
