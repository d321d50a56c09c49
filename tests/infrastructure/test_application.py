"""What the application template declares, compared with the folders and the state machine that it deploys."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from flowforge.lake.lake import Lake
from flowforge.orchestration.tiers import LAMBDA_SIZES, LambdaSize

STEPS = ("bronze_ingest", "silver_transform", "gold_publish")
CALLED_BY_NO_STATE = {"StartExecution", "Reconcile", "Web", "UpgradeDatabase"}
"""By a queue, a schedule, the load balancer, and CloudFormation."""
DATABASE_IMAGES = ("web", "upgrade_database")
SUBSTITUTION = re.compile(r"\$\{(\w+)\}")


def of_type(template: Mapping[str, Any], kind: str) -> dict[str, Mapping[str, Any]]:
    return {name: resource for name, resource in template["Resources"].items() if resource["Type"] == kind}


def functions(template: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return of_type(template, "AWS::Serverless::Function")


def folder_of(function: Mapping[str, Any]) -> str:
    dockerfile = function.get("Metadata", {}).get("Dockerfile")
    return str(Path(dockerfile).parent) if dockerfile else str(function["Properties"]["CodeUri"])


def tasks(states: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, state in states.items():
        if state["Type"] == "Task":
            yield name, state
        if state["Type"] == "Map":
            yield from tasks(state["ItemProcessor"]["States"])


def test_every_function_has_a_folder_with_a_handler_and_every_folder_a_function(
    application: Mapping[str, Any], root: Path
) -> None:
    declared = {folder_of(function) for function in functions(application).values()}
    present = {f"functions/{handler.parent.name}" for handler in (root / "functions").glob("*/handler.py")}
    assert declared == present


def test_every_step_is_an_image_built_from_the_root_on_the_base_that_the_parameter_names(
    application: Mapping[str, Any], root: Path
) -> None:
    images = [item for item in functions(application).values() if item["Properties"].get("PackageType") == "Image"]
    assert sorted(folder_of(item) for item in images) == sorted(f"functions/{name}" for name in (*STEPS, *DATABASE_IMAGES))
    for item in images:
        assert item["Metadata"]["DockerContext"] == "."
        assert item["Metadata"]["DockerBuildArgs"] == {"BASE_IMAGE": {"Ref": "BaseImage"}, "RELEASE": {"Ref": "Release"}}
        # The repository takes no tag twice.
        assert item["Metadata"]["DockerTag"] == {"Ref": "ImageTag"}
        assert (root / item["Metadata"]["Dockerfile"]).is_file()


def test_the_default_base_image_is_the_same_in_the_template_and_in_every_dockerfile(
    application: Mapping[str, Any], root: Path
) -> None:
    default = application["Parameters"]["BaseImage"]["Default"]
    for step in (*STEPS, *DATABASE_IMAGES):
        assert f"ARG BASE_IMAGE={default}\n" in (root / "functions" / step / "Dockerfile").read_text()


def test_the_dockerfiles_differ_in_the_handler_alone_so_that_their_lower_layers_are_built_once(root: Path) -> None:
    texts = {(root / "functions" / step / "Dockerfile").read_text().replace(step, "STEP") for step in STEPS}
    assert len(texts) == 1
    lower, _, upper = texts.pop().partition("COPY functions/STEP/handler.py")
    assert "STEP" not in lower
    assert "STEP" not in upper


def test_the_worker_s_dockerfile_begins_as_those_of_the_steps_so_that_it_shares_their_layers(root: Path) -> None:
    step = (root / "functions" / STEPS[0] / "Dockerfile").read_text()
    worker = (root / "functions" / "worker" / "Dockerfile").read_text()
    assert worker.partition("COPY functions/worker/worker.py")[0] == step.partition(f"COPY functions/{STEPS[0]}/handler.py")[0]


@pytest.mark.parametrize("folder", DATABASE_IMAGES)
def test_the_images_with_a_database_begin_as_those_of_the_steps_and_add_what_they_need_besides(root: Path, folder: str) -> None:
    step = (root / "functions" / STEPS[0] / "Dockerfile").read_text()
    own = (root / "functions" / folder / "Dockerfile").read_text()
    begin, _, end = step.partition(f"COPY functions/{STEPS[0]}/handler.py")
    assert own.startswith(begin)
    added, _, rest = own.removeprefix(begin).partition(f"COPY functions/{folder}/handler.py")
    assert "COPY layers/flowforge/build/web/dependencies" in added
    assert "functions/" not in added
    assert rest.replace(folder, STEPS[0]) == end


@pytest.mark.parametrize("folder", [*STEPS, *DATABASE_IMAGES, "worker"])
def test_an_image_knows_its_release_which_changes_no_layer_below_the_handler(root: Path, folder: str) -> None:
    _, _, upper = (root / "functions" / folder / "Dockerfile").read_text().partition(f"COPY functions/{folder}/")
    assert "ARG RELEASE=unreleased\nENV FLOWFORGE_RELEASE=${RELEASE}\n" in upper
    assert upper.count("\nUSER 993:990\n") == 1


def test_the_worker_s_process_is_the_container_s_first_so_that_signals_reach_it(root: Path) -> None:
    assert '\nENTRYPOINT ["python3.13", "/var/task/worker.py"]\n' in (root / "functions" / "worker" / "Dockerfile").read_text()


def test_images_are_built_from_nothing_but_what_they_hold(root: Path) -> None:
    lines = [line for line in (root / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines == [
        "**",
        "!functions/*/handler.py",
        "!functions/worker/worker.py",
        *(f"!layers/flowforge/build/{name}" for name in ("image", "web")),
    ]


def test_every_function_of_the_control_plane_takes_the_package_from_the_layer(application: Mapping[str, Any]) -> None:
    for name, function in functions(application).items():
        if function["Properties"].get("PackageType") != "Image":
            assert function["Properties"]["Layers"] == [{"Ref": "FlowForgeLayer"}], name


def test_the_layer_is_built_by_the_target_of_its_makefile(application: Mapping[str, Any], root: Path) -> None:
    (name, layer), *others = of_type(application, "AWS::Serverless::LayerVersion").items()
    assert not others
    makefile = root / layer["Properties"]["ContentUri"] / "Makefile"
    assert f"\nbuild-{name}:\n" in makefile.read_text()


def test_the_template_declares_exactly_the_substitutions_of_the_state_machine(application: Mapping[str, Any], root: Path) -> None:
    properties = application["Resources"]["Workflow"]["Properties"]
    used = set(SUBSTITUTION.findall((root / properties["DefinitionUri"]).read_text()))
    assert set(properties["DefinitionSubstitutions"]) == used
    for name, value in function_arns(application).items():
        # The alias: what is released, and what a rollback moves.
        assert value == {"Ref": f"{name.removesuffix('FunctionArn')}.Alias"}


def function_arns(application: Mapping[str, Any]) -> dict[str, Any]:
    """The substitutions that name functions."""
    substitutions = application["Resources"]["Workflow"]["Properties"]["DefinitionSubstitutions"]
    return {name: value for name, value in substitutions.items() if name.endswith("FunctionArn")}


def test_the_state_machine_may_invoke_exactly_the_functions_that_it_names(application: Mapping[str, Any]) -> None:
    substitutions = function_arns(application).values()
    invoke = next(
        statement
        for policy in application["Resources"]["WorkflowRole"]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "lambda:InvokeFunction"
    )
    assert sorted(map(str, invoke["Resource"])) == sorted(map(str, substitutions))


def test_every_function_ends_before_the_state_that_waits_for_it(
    application: Mapping[str, Any], state_machine: Mapping[str, Any]
) -> None:
    waited_for = set()
    for name, state in tasks(state_machine["States"]):
        if state["Resource"] != "arn:aws:states:::lambda:invoke":
            continue
        function = state["Arguments"]["FunctionName"].strip("${}").removesuffix("FunctionArn")
        assert functions(application)[function]["Properties"]["Timeout"] < state["TimeoutSeconds"], name
        waited_for.add(function)
    assert waited_for == set(functions(application)) - CALLED_BY_NO_STATE


def test_every_function_and_the_state_machine_log_to_a_group_of_their_own_with_a_retention(
    application: Mapping[str, Any],
) -> None:
    groups = of_type(application, "AWS::Logs::LogGroup")
    used = [item["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] for item in functions(application).values()]
    assert sorted([*used, "WorkerLogs", "WorkflowLogs"]) == sorted(groups)
    for group in groups.values():
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
        assert group["Properties"]["KmsKeyId"] == {"Ref": "OperationsKeyArn"}
    assert len({str(group["Properties"]["LogGroupName"]) for group in groups.values()}) == len(groups)


def test_every_function_publishes_a_version_with_every_release_and_knows_its_name(application: Mapping[str, Any]) -> None:
    shared = application["Globals"]["Function"]
    assert shared["AutoPublishAlias"] == application["Resources"]["Workflow"]["Properties"]["AutoPublishAlias"] == "live"
    assert shared["Environment"]["Variables"]["FLOWFORGE_RELEASE"] == {"Ref": "Release"}
    for name, function in functions(application).items():
        assert function["Properties"]["AutoPublishCodeSha256"] == {"Ref": "Release"}, name
    assert re.fullmatch(application["Parameters"]["Release"]["AllowedPattern"], application["Parameters"]["Release"]["Default"])


def test_every_step_may_be_limited_and_none_has_to_be(application: Mapping[str, Any]) -> None:
    assert application["Parameters"]["StepConcurrency"]["Default"] == 0
    for name, function in functions(application).items():
        if folder_of(function).removeprefix("functions/") in STEPS:
            limited = function["Properties"]["ReservedConcurrentExecutions"]
            assert limited == {"Fn::If": ["LimitSteps", {"Ref": "StepConcurrency"}, {"Ref": "AWS::NoValue"}]}, name


def test_the_state_machine_writes_no_data_into_its_log(application: Mapping[str, Any]) -> None:
    assert application["Resources"]["Workflow"]["Properties"]["Logging"]["IncludeExecutionData"] is False


@pytest.mark.parametrize("variable", ["FLOWFORGE_DATA_BUCKET", "AWS_ENDPOINT_URL"])
def test_every_variable_that_a_local_run_sets_is_declared(application: Mapping[str, Any], variable: str) -> None:
    # `sam local invoke --env-vars` and the laptop's function host change declared variables and ignore others.
    assert variable in application["Globals"]["Function"]["Environment"]["Variables"]


def test_an_endpoint_that_is_declared_and_empty_means_aws(
    application: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert application["Globals"]["Function"]["Environment"]["Variables"]["AWS_ENDPOINT_URL"] == {"Ref": "EndpointUrl"}
    default = application["Parameters"]["EndpointUrl"]["Default"]
    assert default == ""
    for name, value in {"AWS_ENDPOINT_URL": default, "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}.items():
        monkeypatch.setenv(name, value)
    lake = Lake.connect("bucket", boto3.session.Session(region_name="eu-central-1"))
    assert lake.client.meta.endpoint_url == "https://s3.eu-central-1.amazonaws.com"
    assert lake.storage_options == {"aws_region": "eu-central-1"}


def test_the_plan_knows_the_size_of_every_step_s_function(application: Mapping[str, Any]) -> None:
    declared = {
        folder_of(item).removeprefix("functions/"): LambdaSize(
            item["Properties"]["MemorySize"], item["Properties"]["EphemeralStorage"]["Size"]
        )
        for item in functions(application).values()
        if folder_of(item).removeprefix("functions/") in STEPS
    }
    assert declared == {step.value: size for step, size in LAMBDA_SIZES.items()}


def test_a_task_is_taken_away_in_dev_and_qa_only(application: Mapping[str, Any]) -> None:
    (strategy,) = application["Resources"]["WorkerCluster"]["Properties"]["DefaultCapacityProviderStrategy"]
    assert strategy["CapacityProvider"] == {"Fn::If": ["WorkerOnSpot", "FARGATE_SPOT", "FARGATE"]}
    stages = [{"Fn::Equals": [{"Ref": "Stage"}, stage]} for stage in ("dev", "qa")]
    assert application["Conditions"]["WorkerOnSpot"] == {"Fn::Or": stages}


def test_a_revision_of_the_worker_stays_of_use_to_executions_of_older_releases(application: Mapping[str, Any]) -> None:
    # CloudFormation deregisters a revision that it replaces, and RunTask takes no such revision.
    definition = application["Resources"]["WorkerTaskDefinition"]
    assert (definition["UpdateReplacePolicy"], definition["DeletionPolicy"]) == ("Retain", "Delete")


def test_the_worker_may_write_to_its_scratch_volume_only_and_is_not_root(application: Mapping[str, Any]) -> None:
    definition = application["Resources"]["WorkerTaskDefinition"]["Properties"]
    (worker,) = definition["ContainerDefinitions"]
    assert (worker["Name"], worker["ReadonlyRootFilesystem"], worker["User"]) == ("worker", True, "993:990")
    assert worker["MountPoints"] == [{"SourceVolume": "scratch", "ContainerPath": "/tmp"}]
    assert definition["Volumes"] == [{"Name": "scratch"}]
