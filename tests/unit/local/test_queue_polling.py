"""Which messages of a batch are done, by what the function answered."""

import json
from typing import Any

import pytest

from flowforge.local.queue_polling import handled
from flowforge.local.sandbox import Outcome

BATCH = [{"MessageId": name} for name in ("a", "b", "c")]
ALL = ["a", "b", "c"]


def done(answer: Any, *, error: str | None = None, reports: bool = True) -> list[str]:
    outcome = Outcome("r-1", json.dumps(answer).encode(), error)
    return [str(message["MessageId"]) for message in handled(BATCH, outcome, reports_item_failures=reports)]


def failing(*identifiers: Any) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


@pytest.mark.parametrize("answer", [None, {}, {"other": 1}, [], "text", failing(), {"batchItemFailures": None}])
def test_an_answer_that_names_no_failure_is_success(answer: Any) -> None:
    assert done(answer) == ALL


def test_a_named_message_comes_back_alone() -> None:
    assert done(failing("b")) == ["a", "c"]


@pytest.mark.parametrize("answer", [failing("z"), failing("a", ""), failing(None), {"batchItemFailures": [{"id": "a"}]}])
def test_a_name_that_is_none_of_the_batch_fails_the_whole_batch(answer: Any) -> None:
    assert done(answer) == []


def test_a_function_that_failed_has_done_nothing() -> None:
    assert done({}, error="Unhandled") == []


def test_names_mean_nothing_where_the_template_does_not_ask_for_them() -> None:
    assert done(failing("b"), reports=False) == ALL
