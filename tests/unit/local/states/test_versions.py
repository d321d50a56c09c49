"""Published versions and aliases of state machines, as boto3 sees them."""

from typing import Any

import pytest

from unit.local.states.test_api_operations import PASSING, WAITING, create, ended, refusal, states

__all__ = ["states"]


def published(states: Any, arn: str) -> str:
    return str(states.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"])


def to(version: str, weight: int = 100) -> list[dict[str, Any]]:
    return [{"stateMachineVersionArn": version, "weight": weight}]


def alias_of(states: Any, version: str, name: str = "live") -> str:
    return str(states.create_state_machine_alias(name=name, routingConfiguration=to(version))["stateMachineAliasArn"])


def test_a_revision_is_published_once(states: Any) -> None:
    arn = create(states)
    first = published(states, arn)
    assert (first, published(states, arn)) == (f"{arn}:1", f"{arn}:1")
    states.update_state_machine(stateMachineArn=arn, definition=WAITING)
    assert published(states, arn) == f"{arn}:2"
    listed = states.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"]
    assert [item["stateMachineVersionArn"] for item in listed] == [f"{arn}:2", f"{arn}:1"]


def test_a_machine_can_be_published_as_it_is_created_and_updated(states: Any) -> None:
    created = states.create_state_machine(
        name="at-once", definition=PASSING, roleArn="arn:aws:iam::000000000000:role/r", publish=True
    )
    arn = created["stateMachineArn"]
    assert created["stateMachineVersionArn"] == f"{arn}:1"
    updated = states.update_state_machine(stateMachineArn=arn, definition=WAITING, publish=True)
    assert updated["stateMachineVersionArn"] == f"{arn}:2"


def test_an_execution_that_an_alias_started_runs_its_version_and_names_both(states: Any) -> None:
    arn = create(states)
    version = published(states, arn)
    alias = alias_of(states, version)
    states.update_state_machine(stateMachineArn=arn, definition=WAITING)
    execution = states.start_execution(stateMachineArn=alias, name="run")["executionArn"]
    assert execution == f"{arn.replace(':stateMachine:', ':execution:')}:run"
    described = ended(states, execution)
    assert described["status"] == "SUCCEEDED"
    assert described["stateMachineArn"] == arn
    assert (described["stateMachineVersionArn"], described["stateMachineAliasArn"]) == (version, alias)
    told = states.describe_state_machine_for_execution(executionArn=execution)
    assert (told["stateMachineArn"], told["definition"]) == (arn, PASSING)


def test_executions_are_listed_by_what_started_them(states: Any) -> None:
    arn = create(states)
    version = published(states, arn)
    alias = alias_of(states, version)
    for name, started in (("machine", arn), ("version", version), ("alias", alias)):
        states.start_execution(stateMachineArn=started, name=name)

    def names(machine: str) -> set[str]:
        return {item["name"] for item in states.list_executions(stateMachineArn=machine)["executions"]}

    assert names(arn) == {"machine", "version", "alias"}
    assert (names(version), names(alias)) == ({"version", "alias"}, {"alias"})


def test_a_moved_alias_starts_the_other_version(states: Any) -> None:
    arn = create(states)
    first = published(states, arn)
    states.update_state_machine(stateMachineArn=arn, definition=WAITING)
    second = published(states, arn)
    alias = alias_of(states, second)
    states.update_state_machine_alias(stateMachineAliasArn=alias, routingConfiguration=to(first), description="back")
    described = states.describe_state_machine_alias(stateMachineAliasArn=alias)
    assert (described["name"], described["description"], described["routingConfiguration"]) == ("live", "back", to(first))
    execution = states.start_execution(stateMachineArn=alias)["executionArn"]
    assert ended(states, execution)["stateMachineVersionArn"] == first
    assert states.describe_state_machine(stateMachineArn=alias)["definition"] == PASSING
    listed = states.list_state_machine_aliases(stateMachineArn=arn)["stateMachineAliases"]
    assert [item["stateMachineAliasArn"] for item in listed] == [alias]
    assert not states.list_state_machine_aliases(stateMachineArn=second)["stateMachineAliases"]


def test_the_same_alias_again_is_the_same_one_and_another_is_a_conflict(states: Any) -> None:
    arn = create(states)
    first = published(states, arn)
    assert alias_of(states, first) == alias_of(states, first)
    states.update_state_machine(stateMachineArn=arn, definition=WAITING)
    second = published(states, arn)
    code, _ = refusal("create_state_machine_alias", states, name="live", routingConfiguration=to(second))
    assert code == "ConflictException"


@pytest.mark.parametrize("name", ["12", "a b", "x" * 81])
def test_an_alias_has_a_short_name_that_is_no_number(states: Any, name: str) -> None:
    version = published(states, create(states))
    code, _ = refusal("create_state_machine_alias", states, name=name, routingConfiguration=to(version))
    assert code == "ValidationException"


def test_what_is_not_there_and_what_is_not_served_is_refused(states: Any) -> None:
    arn = create(states)
    version = published(states, arn)
    alias = alias_of(states, version)
    both = [*to(version, 50), *to(version, 50)]
    for routing, code in (
        (to(f"{arn}:7"), "ResourceNotFound"),
        (to(alias), "ResourceNotFound"),
        (both, "ValidationException"),
        (to(version, 99), "ValidationException"),
    ):
        assert refusal("create_state_machine_alias", states, name="other", routingConfiguration=routing)[0] == code
    assert refusal("describe_state_machine_alias", states, stateMachineAliasArn=f"{arn}:other")[0] == "ResourceNotFound"
    assert refusal("start_execution", states, stateMachineArn=f"{arn}:other")[0] == "StateMachineDoesNotExist"
    assert refusal("publish_state_machine_version", states, stateMachineArn=arn, revisionId="r")[0] == "ConflictException"
    assert refusal("update_state_machine", states, stateMachineArn=version, definition=WAITING)[0] == "InvalidArn"


def test_versions_and_aliases_go_with_their_machine(states: Any) -> None:
    arn = create(states)
    alias = alias_of(states, published(states, arn))
    states.delete_state_machine(stateMachineArn=arn)
    assert refusal("start_execution", states, stateMachineArn=alias)[0] == "StateMachineDoesNotExist"
