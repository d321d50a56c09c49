"""Run by the SAM CLI's own Python: writes template.yaml as CloudFormation gets it, after SAM's transform.

``transform_template.py BUCKET OUTPUT RELEASE``: code and definition are taken from objects of the bucket, images from a
repository without any. What the emulator's CloudFormation does not know is left out.
"""

import json
import sys
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ROOT = Path(__file__).parents[2]
REGION, ACCOUNT = "us-east-1", "000000000000"
UNKNOWN = ("AWS::StepFunctions::StateMachineVersion", "AWS::StepFunctions::StateMachineAlias")
# Asked for, the emulator would run the image of a function, and no image is pushed.
NOT_RUN = "AWS::CloudFormation::CustomResource"


def main(bucket: str, output: Path, release: str) -> None:
    template: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
    for name, resource in template["Resources"].items():
        properties = resource["Properties"]
        if properties.get("PackageType") == "Image":
            properties["ImageUri"] = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{name.lower()}:none"
        for member in ("CodeUri", "ContentUri", "DefinitionUri"):
            if member in properties:
                properties[member] = f"s3://{bucket}/{Path(properties[member]).name}"
    transformed = Translator({}, Parser()).translate(template, {"AWS::Region": REGION, "Release": release})
    left_out = [name for name, resource in transformed["Resources"].items() if resource["Type"] in (*UNKNOWN, NOT_RUN)]
    for name in left_out:
        del transformed["Resources"][name]
    for resource in transformed["Resources"].values():
        if resource.get("DependsOn") in left_out:
            del resource["DependsOn"]
    transformed["Outputs"] = {
        name: item for name, item in transformed["Outputs"].items() if item["Value"] not in [{"Ref": gone} for gone in left_out]
    }
    # What the alias would be called, for the functions that start it.
    alias = template["Resources"]["Workflow"]["Properties"]["AutoPublishAlias"]
    named = {"Ref": f"WorkflowAlias{alias}"}
    functions = [item["Properties"] for item in transformed["Resources"].values() if item["Type"] == "AWS::Lambda::Function"]
    starting = [item["Environment"]["Variables"] for item in functions if named in item["Environment"]["Variables"].values()]
    assert starting
    for variables in starting:
        variables["FLOWFORGE_STATE_MACHINE_ARN"] = {"Fn::Sub": f"${{Workflow}}:{alias}"}
    transformed.pop("Transform", None)
    output.write_text(json.dumps(transformed, indent=1))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
