"""What the laptop reads from the application's template."""

from pathlib import Path
from textwrap import dedent

import pytest

from flowforge.local.errors import LocalStackError
from flowforge.local.project import find_project
from flowforge.local.stack import DATA_BUCKET, TEMPLATE_PARAMETERS
from flowforge.local.template import FunctionSpec, Template
from flowforge.local.template_reader import read_template

SHOP = """
    Parameters:
      Stage: {Type: String, Default: dev}
      Bucket: {Type: "AWS::SSM::Parameter::Value<String>", Default: /shop/bucket}
      Endpoint: {Type: String, Default: ""}
    Conditions:
      HasEndpoint: !Not [!Equals [!Ref Endpoint, ""]]
    Globals:
      Function:
        Timeout: 30
        Environment:
          Variables:
            BUCKET: !Ref Bucket
            STAGE: !Sub "${Stage}-${AWS::Region}"
            ENDPOINT: !If [HasEndpoint, !Ref Endpoint, !Ref "AWS::NoValue"]
    Resources:
      Convert:
        Type: AWS::Serverless::Function
        Properties:
          PackageType: Image
          MemorySize: 2048
          Timeout: 900
          ImageConfig: {Command: [handler.convert]}
          Environment: {Variables: {STAGE: mine, OTHER: !GetAtt Plan.Arn}}
        Metadata: {Dockerfile: functions/convert/Dockerfile, DockerContext: .}
      Plan:
        Type: AWS::Serverless::Function
        Properties: {CodeUri: functions/plan/, Handler: handler.plan}
      Table: {Type: AWS::DynamoDB::Table}
      Machine:
        Type: AWS::Serverless::StateMachine
        Properties:
          DefinitionUri: machine.asl.json
          DefinitionSubstitutions: {PlanArn: !GetAtt Plan.Arn, Name: !Join ["-", [a, !Ref Stage]]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("convert", "plan"):
        (tmp_path / "functions" / name).mkdir(parents=True)
    (tmp_path / "machine.asl.json").write_text('{"a": "${PlanArn}", "b": "${Name}", "c": "${PlanArn}"}')
    return tmp_path


def read(folder: Path, text: str = SHOP, **environment: str) -> Template:
    path = folder / "template.yaml"
    path.write_text(dedent(text))
    return read_template(path, parameters={"ssm:/shop/bucket": "shop-data"}, environment=environment)


def test_functions_are_read_with_their_limits_and_folders(folder: Path) -> None:
    convert, plan = read(folder).functions
    assert (convert.name, convert.folder, convert.handler) == ("Convert", folder / "functions/convert", "handler.convert")
    assert (convert.memory_mb, convert.timeout_seconds) == (2048, 900)
    assert (plan.folder, plan.handler) == (folder / "functions/plan", "handler.plan")
    assert (plan.memory_mb, plan.timeout_seconds) == (128, 30)


def test_environment_variables_are_resolved_and_merged(folder: Path) -> None:
    convert, plan = read(folder).functions
    assert plan.environment == {"BUCKET": "shop-data", "STAGE": "dev-us-east-1"}
    assert convert.environment["STAGE"] == "mine"
    assert convert.environment["OTHER"] == "arn:aws:lambda:us-east-1:000000000000:function:Plan"


def test_the_laptops_own_variables_replace_those_of_the_template(folder: Path) -> None:
    text = SHOP.replace("BUCKET: !Ref Bucket", "BUCKET: !ImportValue elsewhere")
    assert read(folder, text, BUCKET="mine").functions[0].environment["BUCKET"] == "mine"


def test_a_definition_is_shipped_with_its_substitutions(folder: Path) -> None:
    [machine] = read(folder).state_machines
    arn = "arn:aws:lambda:us-east-1:000000000000:function:Plan"
    assert machine.definition() == f'{{"a": "{arn}", "b": "a-dev", "c": "{arn}"}}'


def test_a_published_alias_is_reached_by_both_of_its_names(folder: Path) -> None:
    text = SHOP.replace("      Function:\n", "      Function:\n        AutoPublishAlias: live\n").replace(
        "PlanArn: !GetAtt Plan.Arn, Name", "PlanArn: !Ref Plan.Alias, Name: !Ref PlanAliaslive, Other"
    )
    [machine] = read(folder, text).state_machines
    arn = "arn:aws:lambda:us-east-1:000000000000:function:Plan:live"
    assert machine.substitutions == {"PlanArn": arn, "Name": arn, "Other": "a-dev"}


def test_the_alias_of_a_state_machine_is_its_arn_with_the_alias_behind_it(folder: Path) -> None:
    text = SHOP.replace("DefinitionUri: machine", "AutoPublishAlias: live\n          DefinitionUri: machine").replace(
        "Handler: handler.plan}", "Handler: handler.plan, Environment: {Variables: {MACHINE: !Ref MachineAliaslive}}}"
    )
    template = read(folder, text)
    [plan] = [function for function in template.functions if function.name == "Plan"]
    assert plan.environment["MACHINE"] == "arn:aws:states:us-east-1:000000000000:stateMachine:Machine:live"
    assert [machine.alias for machine in template.state_machines] == ["live"]
    with pytest.raises(LocalStackError, match="MachineAliaslive"):
        read(folder, text.replace("AutoPublishAlias: live", "AutoPublishAlias: other"))


def test_an_alias_that_nothing_publishes_is_an_error(folder: Path) -> None:
    with pytest.raises(LocalStackError, match=r"Ref Plan\.Alias"):
        read(folder, SHOP.replace("!GetAtt Plan.Arn, Name", "!Ref Plan.Alias, Name"))


@pytest.mark.parametrize(("limit", "reserved"), [("0", None), ("7", 7)])
def test_a_reservation_may_be_left_to_a_parameter(folder: Path, limit: str, reserved: int | None) -> None:
    text = (
        SHOP.replace("    Conditions:\n", "    Conditions:\n      Limited: !Not [!Equals [!Ref Limit, 0]]\n")
        .replace("    Parameters:\n", f"    Parameters:\n      Limit: {{Type: Number, Default: {limit}}}\n")
        .replace(
            "          MemorySize: 2048\n",
            "          MemorySize: 2048\n          ReservedConcurrentExecutions: "
            '!If [Limited, !Ref Limit, !Ref "AWS::NoValue"]\n',
        )
    )
    assert read(folder, text).functions[0].reserved_concurrency == reserved


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("!Ref Bucket", "!ImportValue elsewhere", "Resources/Convert/Environment/Variables/BUCKET: .*Fn::ImportValue"),
        ("!Ref Bucket", "!Ref Nothing", "Variables/BUCKET: .*Ref Nothing"),
        ("!Ref Bucket", "!GetAtt Table.StreamArn", "Variables/BUCKET: .*GetAtt Table.StreamArn"),
        ("!Ref Bucket", '"{{resolve:ssm:/unknown}}"', "Variables/BUCKET: .*ssm:/unknown"),
        ("!Ref Bucket", "!If [Nothing, a, b]", "Variables/BUCKET: .*no condition Nothing"),
        ('Default: ""', 'Description: ""', "the parameter Endpoint has no default"),
        ("!GetAtt Plan.Arn, Name", "!GetAtt Plam.Arn, Name", "Resources/Machine/DefinitionSubstitutions/PlanArn"),
        ("functions/plan/", "functions/plam/", "Resources/Plan/CodeUri: .*plam does not exist"),
        ("functions/convert/Dockerfile", "functions/x/Dockerfile", "Resources/Convert/Metadata/Dockerfile: .*does not exist"),
        ("Dockerfile: functions/convert/Dockerfile, ", "", "Resources/Convert/Metadata/Dockerfile"),
        ("DefinitionUri: machine.asl.json", "Definition: {}", "Resources/Machine/DefinitionUri"),
    ],
)
def test_what_cannot_be_resolved_is_an_error_that_names_its_place(folder: Path, old: str, new: str, message: str) -> None:
    assert old in SHOP
    with pytest.raises(LocalStackError, match=message):
        read(folder, SHOP.replace(old, new))


@pytest.mark.parametrize(("text", "message"), [("a: [", "not valid YAML"), ("[]", "no mapping")])
def test_a_file_that_is_no_template_is_an_error(folder: Path, text: str, message: str) -> None:
    with pytest.raises(LocalStackError, match=message):
        read(folder, text)


def test_a_missing_template_is_an_error(folder: Path) -> None:
    with pytest.raises(LocalStackError, match="does not exist"):
        read_template(folder / "template.yaml", parameters={}, environment={})


def test_the_products_own_template_can_be_read() -> None:
    template = read_template(find_project() / "template.yaml", parameters=TEMPLATE_PARAMETERS, environment={})
    functions: dict[str, FunctionSpec] = {function.name: function for function in template.functions}
    assert set(functions) == {
        "BronzeIngest",
        "SilverTransform",
        "GoldPublish",
        "PlanExecution",
        "RecordEvent",
        "StartExecution",
        "Reconcile",
        "UpgradeDatabase",
        "Web",
    }
    for function in functions.values():
        assert (function.folder / "handler.py").is_file()
        assert function.handler == "handler.handle"
        assert function.environment["FLOWFORGE_DATA_BUCKET"] == DATA_BUCKET
    [machine] = template.state_machines
    assert "${" not in machine.definition()
