"""What the laptop runs, as the application's template declares it: functions, and the state machine's definition."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from flowforge.local.cloudformation import ACCOUNT, REGION, Resolver, load_document
from flowforge.local.errors import LocalStackError

FUNCTION_TYPE = "AWS::Serverless::Function"
STATE_MACHINE_TYPE = "AWS::Serverless::StateMachine"
# SAM's defaults where neither the function nor Globals says otherwise.
DEFAULT_MEMORY_MB = 128
DEFAULT_TIMEOUT_SECONDS = 3
DEFAULT_HANDLER = "handler.handle"


@dataclass(frozen=True)
class FunctionSpec:
    """A function as the template declares it. ``folder`` holds the handler's module; ``environment`` is resolved."""

    name: str
    folder: Path
    handler: str
    memory_mb: int
    timeout_seconds: float
    environment: Mapping[str, str]

    @property
    def arn(self) -> str:
        """The function's ARN on the laptop."""
        return function_arn(self.name)


@dataclass(frozen=True)
class StateMachineSpec:
    """The state machine: where its definition lies, and the value of each ``${Name}`` in it."""

    name: str
    definition_path: Path
    substitutions: Mapping[str, str]

    def definition(self) -> str:
        """The definition as shipped, with the substitutions made."""
        text = self.definition_path.read_text(encoding="utf-8")
        for name, value in self.substitutions.items():
            text = text.replace(f"${{{name}}}", value)
        return text


@dataclass(frozen=True)
class Template:
    """The part of the application's template that a laptop runs."""

    functions: tuple[FunctionSpec, ...]
    state_machines: tuple[StateMachineSpec, ...]


def function_arn(name: str) -> str:
    """The ARN of a function on the laptop."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def state_machine_arn(name: str) -> str:
    """The ARN of a state machine on the laptop."""
    return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"


def read_template(path: Path, *, parameters: Mapping[str, str], environment: Mapping[str, str]) -> Template:
    """Read the functions and state machines of a template.

    ``parameters`` gives values to template parameters and dynamic references; ``environment`` replaces environment
    variables of every function, so that their values in the template need not be resolvable here. Raises
    LocalStackError with the place of what cannot be resolved or is missing.
    """
    document = load_document(path)
    resources = document.get("Resources", {})
    attributes: dict[str, str] = {}
    for name, resource in resources.items():
        kind = resource.get("Type")
        if kind == FUNCTION_TYPE:
            attributes |= {name: name, f"{name}.Arn": function_arn(name)}
        elif kind == STATE_MACHINE_TYPE:
            attributes |= {name: state_machine_arn(name), f"{name}.Arn": state_machine_arn(name), f"{name}.Name": name}
    resolver = Resolver(document, parameters, attributes)
    reader = _Reader(path.parent, resolver, document.get("Globals", {}).get("Function", {}), environment)
    return Template(
        functions=tuple(reader.function(name, item) for name, item in resources.items() if item["Type"] == FUNCTION_TYPE),
        state_machines=tuple(
            reader.state_machine(name, item) for name, item in resources.items() if item["Type"] == STATE_MACHINE_TYPE
        ),
    )


@dataclass(frozen=True)
class _Reader:
    root: Path
    resolver: Resolver
    function_globals: Mapping[str, Any]
    environment: Mapping[str, str]

    def function(self, name: str, resource: Mapping[str, Any]) -> FunctionSpec:
        place = f"Resources/{name}"
        properties = {**self.function_globals, **resource.get("Properties", {})}
        folder, handler = self._code(place, resource, properties)
        variables = {
            **self.function_globals.get("Environment", {}).get("Variables", {}),
            **resource.get("Properties", {}).get("Environment", {}).get("Variables", {}),
        }
        memory = self.resolver.resolve(properties.get("MemorySize", DEFAULT_MEMORY_MB), f"{place}/MemorySize")
        timeout = self.resolver.resolve(properties.get("Timeout", DEFAULT_TIMEOUT_SECONDS), f"{place}/Timeout")
        return FunctionSpec(
            name=name,
            folder=folder,
            handler=handler,
            memory_mb=int(memory),
            timeout_seconds=float(timeout),
            environment=self.variables(f"{place}/Environment/Variables", variables),
        )

    def variables(self, place: str, declared: Mapping[str, Any]) -> dict[str, str]:
        own = {name: value for name, value in declared.items() if name not in self.environment}
        resolved = self.resolver.resolve(own, place)
        return {name: str(value) for name, value in {**resolved, **self.environment}.items()}

    def state_machine(self, name: str, resource: Mapping[str, Any]) -> StateMachineSpec:
        place = f"Resources/{name}"
        properties = resource.get("Properties", {})
        uri = properties.get("DefinitionUri")
        if not isinstance(uri, str):
            raise LocalStackError(f"{place}/DefinitionUri: the local stack needs the path of a definition file")
        substitutions = self.resolver.resolve(properties.get("DefinitionSubstitutions", {}), f"{place}/DefinitionSubstitutions")
        return StateMachineSpec(
            name=name,
            definition_path=self._existing(self.root / uri, f"{place}/DefinitionUri"),
            substitutions={key: str(value) for key, value in substitutions.items()},
        )

    def _code(self, place: str, resource: Mapping[str, Any], properties: Mapping[str, Any]) -> tuple[Path, str]:
        if properties.get("PackageType") != "Image":
            uri = properties.get("CodeUri")
            if not isinstance(uri, str):
                raise LocalStackError(f"{place}/CodeUri: the local stack needs the path of the function's folder")
            folder = self._existing(self.root / uri, f"{place}/CodeUri")
            return folder, str(properties.get("Handler", DEFAULT_HANDLER))
        # An image's handler is the command of its Dockerfile, which lies beside it.
        metadata = resource.get("Metadata", {})
        dockerfile = metadata.get("Dockerfile")
        if not isinstance(dockerfile, str):
            raise LocalStackError(f"{place}/Metadata/Dockerfile: the local stack needs the path of the Dockerfile")
        relative = PurePosixPath(dockerfile).parent
        candidates = [self.root / str(metadata.get("DockerContext", ".")) / relative, self.root / relative]
        folder = next((item for item in candidates if item.is_dir()), candidates[-1])
        command = properties.get("ImageConfig", {}).get("Command", [DEFAULT_HANDLER])
        return self._existing(folder, f"{place}/Metadata/Dockerfile"), str(command[0])

    def _existing(self, path: Path, place: str) -> Path:
        if not path.exists():
            raise LocalStackError(f"{place}: {path} does not exist")
        return path.resolve()
