"""CloudFormation documents: the short-form tags, and the intrinsic functions that a laptop can resolve."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from flowforge.local.errors import LocalStackError

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:
    # Where PyYAML was built without its library: ten times as long, for the same.
    from yaml import SafeLoader  # type: ignore[assignment]

REGION = "us-east-1"
ACCOUNT = "000000000000"
PSEUDO_PARAMETERS = {
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "flowforge-local",
}
NO_VALUE = object()
"""What ``!Ref AWS::NoValue`` gives: the property that holds it is not there."""
_DYNAMIC_REFERENCE = re.compile(r"\{\{resolve:([^}]+)\}\}")
# There is no network on a laptop: whatever names a part of one has this value.
_NETWORK = re.compile(r"AWS::EC2::(Subnet|SecurityGroup|VPC)::Id")
_NETWORK_IDS = {"Subnet": "subnet-local", "SecurityGroup": "sg-local", "VPC": "vpc-local"}
_SUBSTITUTION = re.compile(r"\$\{(!?)([^}]*)\}")


class _Loader(SafeLoader):
    """YAML with CloudFormation's short-form tags: ``!GetAtt A.Arn`` reads as ``{"Fn::GetAtt": ["A", "Arn"]}``."""


def _construct_intrinsic(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _construct_intrinsic)


def load_document(path: Path) -> dict[str, Any]:
    """Read a template. Raises LocalStackError where it is missing or is no mapping."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 -- derives from SafeLoader
    except FileNotFoundError:
        raise LocalStackError(f"{path} does not exist") from None
    except yaml.YAMLError as error:
        raise LocalStackError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(document, dict):
        raise LocalStackError(f"{path} is not a CloudFormation template: its top level is no mapping")
    return document


@dataclass(frozen=True)
class Resolver:
    """Resolves the values of a template as far as a laptop can; anything else is an error that names its place.

    ``parameters`` are the values of template parameters and of dynamic references (``ssm:/name``); ``attributes`` holds
    what ``!Ref A`` (key ``A``) and ``!GetAtt A.Arn`` (key ``A.Arn``) give for resources.
    """

    document: Mapping[str, Any]
    parameters: Mapping[str, str]
    attributes: Mapping[str, str] = field(default_factory=dict)

    def resolve(self, value: Any, place: str) -> Any:
        """Replace every intrinsic function inside ``value``. Raises LocalStackError, naming ``place``."""
        if isinstance(value, str):
            return _DYNAMIC_REFERENCE.sub(lambda found: self._dynamic(found[1], place), value)
        if isinstance(value, list):
            items = [self.resolve(item, f"{place}[{index}]") for index, item in enumerate(value)]
            return [item for item in items if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, argument), *_ = value.items()
            if name == "Ref":
                return self._reference(str(argument), place)
            if name == "Fn::GetAtt":
                return self._attribute(".".join(map(str, argument)), place)
            if name == "Fn::Sub":
                return self._substitute(argument, place)
            if name == "Fn::Join":
                separator, items = argument
                return str(separator).join(map(str, self.resolve(items, place)))
            if name == "Fn::If":
                condition, then, otherwise = argument
                chosen = then if self._holds({"Condition": condition}, place) else otherwise
                return self.resolve(chosen, place)
            if name.startswith("Fn::"):
                raise LocalStackError(f"{place}: the local stack cannot resolve {name}")
        members = {key: self.resolve(item, f"{place}/{key}") for key, item in value.items()}
        return {key: item for key, item in members.items() if item is not NO_VALUE}

    def _holds(self, condition: Any, place: str) -> bool:
        (name, argument), *_ = condition.items()
        if name == "Condition":
            declared = self.document.get("Conditions", {}).get(argument)
            if declared is None:
                raise LocalStackError(f"{place}: the template declares no condition {argument}")
            return self._holds(declared, f"Conditions/{argument}")
        if name == "Fn::Equals":
            left, right = self.resolve(argument, place)
            return str(left) == str(right)
        if name == "Fn::Not":
            return not self._holds(argument[0], place)
        if name in ("Fn::And", "Fn::Or"):
            held = [self._holds(item, place) for item in argument]
            return all(held) if name == "Fn::And" else any(held)
        raise LocalStackError(f"{place}: the local stack cannot resolve the condition {name}")

    def _reference(self, name: str, place: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in PSEUDO_PARAMETERS:
            return PSEUDO_PARAMETERS[name]
        declared = self.document.get("Parameters", {}).get(name)
        if declared is not None:
            return self._parameter(name, declared, place)
        if name in self.attributes:
            return self.attributes[name]
        raise LocalStackError(f"{place}: the local stack cannot resolve Ref {name}")

    def _parameter(self, name: str, declared: Mapping[str, Any], place: str) -> Any:
        kind = str(declared.get("Type", ""))
        value = self._parameter_text(name, declared, kind, place)
        return value.split(",") if "List" in kind else value

    def _parameter_text(self, name: str, declared: Mapping[str, Any], kind: str, place: str) -> str:
        if name in self.parameters:
            return self.parameters[name]
        default = declared.get("Default")
        network = _NETWORK.search(kind)
        if network is not None and (default is None or kind.startswith("AWS::SSM::")):
            return _NETWORK_IDS[network[1]]
        if default is None:
            raise LocalStackError(f"{place}: the parameter {name} has no default and the local stack sets no value for it")
        if kind.startswith("AWS::SSM::Parameter::Value"):
            return self._dynamic(f"ssm:{default}", place)
        return str(default)

    def _attribute(self, name: str, place: str) -> str:
        if name in self.attributes:
            return self.attributes[name]
        raise LocalStackError(f"{place}: the local stack cannot resolve GetAtt {name}")

    def _dynamic(self, reference: str, place: str) -> str:
        if reference in self.parameters:
            return self.parameters[reference]
        raise LocalStackError(f"{place}: the local stack sets no value for {{{{resolve:{reference}}}}}")

    def _substitute(self, argument: Any, place: str) -> str:
        text, own = (argument, {}) if isinstance(argument, str) else argument
        values = {name: self.resolve(value, f"{place}/{name}") for name, value in own.items()}

        def replace(found: re.Match[str]) -> str:
            literal, name = found[1], found[2].strip()
            if literal:
                return f"${{{name}}}"
            if name in values:
                return str(values[name])
            return self._attribute(name, place) if "." in name else self._reference(name, place)

        return str(self.resolve(_SUBSTITUTION.sub(replace, text), place))
