import pytest

from flowforge.lake.lake import BUCKET_VARIABLE
from flowforge.model.exit_codes import ExitCode
from flowforge.model.step import Step
from flowforge.steps.worker_arguments import read_arguments
from lab import JOB_ID, Lab


def test_arguments_say_the_request_of_every_tier(lab: Lab) -> None:
    run = lab.ingest("id\n1\n")
    given = ["--step", "bronze_ingest", "--job", JOB_ID, "--plan", f"s3://{lab.lake.bucket}/{run.plan_key}"]
    assignment = read_arguments(given)
    assert assignment.request == run.request(Step.BRONZE_INGEST)
    assert assignment.bucket == lab.lake.bucket


def test_a_bucket_in_the_plan_s_address_goes_before_the_environment_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BUCKET_VARIABLE, "other")
    given = ["--step", "gold_publish", "--job", "j", "--plan"]
    assert read_arguments([*given, "s3://one/runs/e/plan.json"]).bucket == "one"
    assert read_arguments([*given, "runs/e/plan.json"]).bucket == "other"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "--step, --job, --plan"),
        (["--step", "gold", "--job", "j", "--plan", "s3://b/runs/e/plan.json"], "silver_transform"),
        (["--step", "gold_publish", "--job", "a/b", "--plan", "s3://b/runs/e/plan.json"], "a/b"),
        (["--step", "gold_publish", "--job", "j", "--plan", "runs/e/plan.json"], BUCKET_VARIABLE),
        (["--step", "gold_publish", "--job", "j", "--plan", "s3:///runs/e/plan.json"], "names no bucket"),
        (["--step", "gold_publish", "--job", "j", "--plan", "s3://b/plan.json"], "runs/EXECUTION/plan.json"),
        (["--step", "gold_publish", "--job", "j", "--plan", "s3://b/runs/e e/plan.json"], "e e"),
    ],
)
def test_wrong_usage_names_what_is_wrong(
    arguments: list[str], named: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(BUCKET_VARIABLE, raising=False)
    with pytest.raises(SystemExit) as ended:
        read_arguments(arguments)
    assert ended.value.code == ExitCode.USAGE
    assert named in capsys.readouterr().err
