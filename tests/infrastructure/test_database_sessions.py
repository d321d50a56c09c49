"""How many sessions of the database a stage can need at once, and that its server takes them with room for a release."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from flowforge.metadata.stack_revision import UPGRADE_CONNECTIONS
from flowforge.metadata.variables import (
    HOST_VARIABLE,
    NAME_VARIABLE,
    POOL_VARIABLE,
    PORT_VARIABLE,
    SECRET_VARIABLE,
    URL_VARIABLE,
)
from infrastructure.permission import of_type
from infrastructure.test_stages import STAGES, overrides

SHARE = 0.8
"""What is left is for people, for RDS itself, and for the containers of two releases while one follows the other."""
IN_NETWORK = {"SubnetIds": {"Ref": "PrivateSubnetIds"}, "SecurityGroupIds": [{"Ref": "DatabaseClientsGroupId"}]}
NO_VALUE = {"Ref": "AWS::NoValue"}


def variables(function: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = function.get("Environment", {}).get("Variables", {})
    return found


@pytest.fixture
def with_database(application: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The functions that are told where the database is."""
    functions = of_type(application, "AWS::Serverless::Function")
    return {name: item for name, item in functions.items() if HOST_VARIABLE in variables(item)}


def reserved(function: Mapping[str, Any], settings: Mapping[str, str]) -> int:
    """The calls of a function that a stage lets run at once."""
    condition, limit, otherwise = function["ReservedConcurrentExecutions"]["Fn::If"]
    assert otherwise == NO_VALUE
    parameter = {"LimitControl": "ControlConcurrency", "LimitWeb": "WebConcurrency"}[condition]
    assert int(settings[parameter]) > 0, f"{parameter} reserves nothing, so nobody knows how many sessions there will be"
    return int(settings[limit["Ref"]]) if isinstance(limit, Mapping) else int(limit)


def pool(name: str, function: Mapping[str, Any]) -> int:
    """The connections of one container. The function that migrates sets its own, whatever its environment says."""
    return UPGRADE_CONNECTIONS if name == "UpgradeDatabase" else int(variables(function)[POOL_VARIABLE])


@pytest.mark.parametrize("stage", STAGES)
def test_all_that_may_run_at_once_needs_four_fifths_of_the_server_s_sessions_at_most(
    with_database: Mapping[str, Mapping[str, Any]], stages: Mapping[str, Any], stage: str
) -> None:
    settings = overrides(stages["application"], stage)
    takes = int(overrides(stages["foundation"], stage)["DatabaseMaxConnections"])
    needed = sum(reserved(function, settings) * pool(name, function) for name, function in with_database.items())
    assert 0 < needed <= SHARE * takes


def test_every_handler_that_opens_the_database_is_a_function_that_is_told_where_it_is(
    application: Mapping[str, Any], with_database: Mapping[str, Mapping[str, Any]], root: Path
) -> None:
    folders = {
        Path(item.get("Metadata", {}).get("Dockerfile", "")).parent.name or Path(item["Properties"].get("CodeUri", "")).name: name
        for name, item in application["Resources"].items()
        if item["Type"] == "AWS::Serverless::Function"
    }
    opening = {
        folders[path.parent.name]
        for path in (root / "functions").glob("*/handler.py")
        if "flowforge.metadata.database" in path.read_text()
    }
    assert {"Web", "UpgradeDatabase"} <= opening <= set(with_database)


def test_no_task_of_the_worker_is_told_where_the_database_is(application: Mapping[str, Any]) -> None:
    # Otherwise its tasks, of which nobody knows how many run, would have to be added.
    definition = application["Resources"]["WorkerTaskDefinition"]["Properties"]
    (worker,) = definition["ContainerDefinitions"]
    names = {item["Name"] for item in worker["Environment"]}
    assert not names & {URL_VARIABLE, HOST_VARIABLE, SECRET_VARIABLE}


def test_a_function_with_the_database_is_in_its_network_logs_in_by_the_secret_and_waits_for_its_revision(
    application: Mapping[str, Any], with_database: Mapping[str, Mapping[str, Any]]
) -> None:
    for name, function in with_database.items():
        told = variables(function)
        assert told[URL_VARIABLE] == "", name
        assert {variable: told[variable] for variable in (HOST_VARIABLE, PORT_VARIABLE, NAME_VARIABLE, SECRET_VARIABLE)} == {
            HOST_VARIABLE: {"Ref": "DatabaseHost"},
            PORT_VARIABLE: {"Ref": "DatabasePort"},
            NAME_VARIABLE: {"Ref": "DatabaseName"},
            SECRET_VARIABLE: {"Ref": "DatabaseSecretArn"},
        }, name
        assert function["VpcConfig"] == IN_NETWORK, name
        role = application["Resources"][f"{name}Role"]["Properties"]
        assert {"Ref": "DatabasePolicy"} in role["ManagedPolicyArns"], name
        waits = application["Resources"][name].get("DependsOn")
        assert waits == (None if name == "UpgradeDatabase" else "DatabaseRevision"), name


def test_no_other_function_is_in_the_network(
    application: Mapping[str, Any], with_database: Mapping[str, Mapping[str, Any]]
) -> None:
    functions = of_type(application, "AWS::Serverless::Function")
    assert {name for name, item in functions.items() if "VpcConfig" in item} == set(with_database)


def test_every_release_asks_for_the_revision_and_waits_longer_than_its_function_has(application: Mapping[str, Any]) -> None:
    revision = application["Resources"]["DatabaseRevision"]["Properties"]
    assert revision["ServiceToken"] == {"Ref": "UpgradeDatabase.Alias"}
    assert revision["Release"] == {"Ref": "Release"}
    assert revision["ServiceTimeout"] > application["Resources"]["UpgradeDatabase"]["Properties"]["Timeout"]


def test_a_queue_gives_a_function_no_more_messages_than_it_may_handle(with_database: Mapping[str, Mapping[str, Any]]) -> None:
    for function in with_database.values():
        for source in function.get("Events", {}).values():
            if source["Type"] == "SQS":
                limit = {"MaximumConcurrency": {"Ref": "ControlConcurrency"}}
                assert source["Properties"]["ScalingConfig"] == {"Fn::If": ["LimitControl", limit, NO_VALUE]}
