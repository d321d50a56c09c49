"""Task definitions and clusters, as a template declares them."""

from pathlib import Path
from textwrap import dedent

import pytest

from flowforge.local.errors import LocalStackError
from flowforge.local.template import Template
from flowforge.local.template_reader import read_template

SHOP = """
    Parameters:
      SubnetIds: {Type: "List<AWS::EC2::Subnet::Id>"}
      GroupId: {Type: "AWS::EC2::SecurityGroup::Id"}
      VpcId: {Type: "AWS::SSM::Parameter::Value<AWS::EC2::VPC::Id>", Default: /shop/vpc}
      Zones: {Type: CommaDelimitedList, Default: "a,b"}
      Endpoint: {Type: String, Default: ""}
      StorageGiB: {Type: Number, Default: 50}
    Conditions:
      HasEndpoint: !Not [!Equals [!Ref Endpoint, ""]]
    Resources:
      Batch:
        Type: AWS::ECS::Cluster
        Properties: {ClusterName: batch}
      Capacity:
        Type: AWS::ECS::ClusterCapacityProviderAssociations
        Properties:
          Cluster: !Ref Batch
          CapacityProviders: [FARGATE, FARGATE_SPOT]
          DefaultCapacityProviderStrategy: [{CapacityProvider: FARGATE_SPOT, Weight: 1}]
      Other:
        Type: AWS::ECS::Cluster
        Properties: {CapacityProviders: [FARGATE]}
      Worker:
        Type: AWS::ECS::TaskDefinition
        Properties:
          Family: shop-worker
          Cpu: "1024"
          Memory: "4096"
          EphemeralStorage: {SizeInGiB: !Ref StorageGiB}
          ExecutionRoleArn: !ImportValue elsewhere
          ContainerDefinitions:
            - Name: worker
              Image: !ImportValue elsewhere
              Command: [run]
              StopTimeout: 110
              Environment:
                - {Name: BUCKET, Value: !ImportValue elsewhere}
                - {Name: OTHER, Value: !GetAtt Batch.Arn}
                - !If [HasEndpoint, {Name: ENDPOINT, Value: !Ref Endpoint}, !Ref "AWS::NoValue"]
              LogConfiguration:
                LogDriver: awslogs
                Options:
                  awslogs-group: !Ref Logs
                  awslogs-region: !Ref AWS::Region
                  awslogs-stream-prefix: ecs
      Small:
        Type: AWS::ECS::TaskDefinition
        Properties:
          Cpu: 256
          Memory: 512
          ContainerDefinitions: [{Name: worker}]
      Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /shop/worker}}
      Machine:
        Type: AWS::Serverless::StateMachine
        Properties:
          DefinitionUri: machine.asl.json
          DefinitionSubstitutions:
            Cluster: !GetAtt Batch.Arn
            ClusterName: !Ref Batch
            Task: !Ref Worker
            SameTask: !GetAtt Worker.TaskDefinitionArn
            Subnets: !Join [",", !Ref SubnetIds]
            Group: !Ref GroupId
            Vpc: !Ref VpcId
            Zones: !Join ["+", !Ref Zones]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "functions" / "worker").mkdir(parents=True)
    (tmp_path / "functions" / "worker" / "worker.py").touch()
    (tmp_path / "machine.asl.json").touch()
    return tmp_path


def read(folder: Path, text: str = SHOP) -> Template:
    (folder / "template.yaml").write_text(dedent(text))
    return read_template(folder / "template.yaml", parameters={}, environment={"BUCKET": "mine"})


def test_a_task_definition_is_read_with_its_limits_and_its_container(folder: Path) -> None:
    worker, small = read(folder).task_definitions
    assert (worker.family, worker.cpu, worker.memory_mb, worker.ephemeral_mb) == ("shop-worker", 1024, 4096, 50 * 1024)
    container = worker.container
    assert (container.name, container.script) == ("worker", folder / "functions/worker/worker.py")
    assert (container.command, container.stop_seconds, container.log_group) == (("run",), 110, "/shop/worker")
    assert container.stream_prefix == "ecs"
    assert container.environment == {"BUCKET": "mine", "OTHER": "arn:aws:ecs:us-east-1:000000000000:cluster/batch"}
    assert (small.family, small.memory_mb, small.ephemeral_mb) == ("flowforge-local-Small", 512, 20 * 1024)
    assert (small.container.stop_seconds, small.container.log_group, small.container.command) == (30, None, ())


def test_clusters_have_the_capacity_providers_that_they_are_given(folder: Path) -> None:
    batch, other = read(folder).clusters
    assert (batch.providers, batch.strategy) == (("FARGATE", "FARGATE_SPOT"), ("FARGATE_SPOT",))
    assert (other.name, other.providers, other.strategy) == ("flowforge-local-Other", ("FARGATE",), ())


def test_the_state_machine_gets_their_arns_and_a_network_that_is_made_up(folder: Path) -> None:
    [machine] = read(folder).state_machines
    task = "arn:aws:ecs:us-east-1:000000000000:task-definition/shop-worker:1"
    assert machine.substitutions == {
        "Cluster": "arn:aws:ecs:us-east-1:000000000000:cluster/batch",
        "ClusterName": "batch",
        "Task": task,
        "SameTask": task,
        "Subnets": "subnet-local",
        "Group": "sg-local",
        "Vpc": "vpc-local",
        "Zones": "a+b",
    }


def test_log_groups_are_those_that_the_template_names(folder: Path) -> None:
    assert read(folder).log_groups() == {"shop-worker": "/shop/worker"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('Memory: "4096"', 'Memory: "1024"', "Resources/Worker: No Fargate configuration .* 1024 CPU, 1024 memory"),
        ('Memory: "4096"', 'Memory: "4 GB"', "Resources/Worker/Memory: the local stack takes a whole number"),
        ('Cpu: "1024"', "Tags: []", "Resources/Worker: Fargate needs Cpu and Memory"),
        ("StorageGiB: {Type: Number, Default: 50}", "StorageGiB: {Type: Number, Default: 20}", "between 21 and 200 GiB"),
        ("[{Name: worker}]", "[{Name: worker}, {Name: agent}]", "Small/ContainerDefinitions: .* tasks of one container"),
        ("[{Name: worker}]", "[{Name: agent}]", "the container agent has no script .*functions/agent/agent.py"),
        ("StopTimeout: 110", "StopTimeout: 121", r"ContainerDefinitions\[0\]/StopTimeout: Fargate waits 120 seconds at most"),
        ("StopTimeout: 110", "Secrets: [{Name: PASSWORD, ValueFrom: x}]", "Secrets: .* no value for PASSWORD"),
        ("!GetAtt Batch.Arn}", "!GetAtt Nothing.Arn}", "Environment/OTHER: .*GetAtt Nothing.Arn"),
    ],
)
def test_what_a_laptop_cannot_run_is_an_error_that_names_its_place(folder: Path, old: str, new: str, message: str) -> None:
    assert old in SHOP
    with pytest.raises(LocalStackError, match=message):
        read(folder, SHOP.replace(old, new))
