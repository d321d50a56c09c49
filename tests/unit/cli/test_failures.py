"""A failure is told in one line per job, with the message that the step raised."""

import json

from flowforge.cli.failures import failure_lines, message_of
from flowforge.cli.progress import Failure

JOBS = {"job_a": "Apples"}


def test_the_message_is_taken_out_of_what_lambda_answers() -> None:
    cause = json.dumps({"errorMessage": "row 3 has 4 fields", "errorType": "DataFault", "stackTrace": ["File x"]})
    assert message_of(cause) == "row 3 has 4 fields"


def test_a_cause_of_another_form_is_shown_as_it_is() -> None:
    assert message_of("Task timed out\nafter 3 s") == "Task timed out\\nafter 3 s"
    assert message_of('"text"') == '"text"'
    assert message_of('{"errorMessage": 5}') == '{"errorMessage": 5}'


def test_each_failed_job_gets_a_line() -> None:
    failures = [Failure("job_a", "bronze_ingest", "DataFault", "bad"), Failure("job_z", "gold_publish", "X", "worse")]
    assert failure_lines("FAILED", "JobsFailed", "2 jobs failed", failures, JOBS) == [
        "Apples, bronze_ingest: DataFault: bad",
        "job_z, gold_publish: X: worse",
    ]


def test_a_failure_of_the_plan_is_the_executions_own() -> None:
    cause = '{"errorMessage": "the file is empty", "errorType": "DataFault"}'
    assert failure_lines("FAILED", "DataFault", cause, [], JOBS) == ["DataFault: the file is empty"]


def test_an_execution_that_was_stopped_or_ran_out_of_time_says_so() -> None:
    assert failure_lines("ABORTED", "", "", [], JOBS) == ["the execution was stopped"]
    assert failure_lines("TIMED_OUT", "", "", [], JOBS) == ["the execution ran out of time"]


def test_a_failure_that_poses_as_lines_stays_one_line() -> None:
    [line] = failure_lines("FAILED", "", "", [Failure("j\n", "s", "E", "a\r\nerror: none")], {})
    assert line == "j\\n, s: E: a\\r\\nerror: none"
