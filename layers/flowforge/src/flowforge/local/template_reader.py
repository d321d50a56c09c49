"""Reading the application's template: what a laptop runs of it, with every value resolved."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from flowforge.local.cloudformation import NO_VALUE, Resolver, load_document
from flowforge.local.errors import LocalStackError
from flowforge.local.event_reader import read_asynchronous_calls, read_queue_mappings
from flowforge.local.resources import Resources, name_attributes, read_resources
from flowforge.local.schedule_reader import read_schedules
from flowforge.local.task_definitions import read_clusters, read_task_definitions, task_attributes
from flowforge.local.template import FunctionSpec, StateMachineSpec, Template, function_arn, state_machine_arn

FUNCTION_TYPE = "AWS::Serverless::Function"
STATE_MACHINE_TYPE = "AWS::Serverless::StateMachine"
# SAM's and Lambda's defaults where neither the function nor Globals says otherwise.
DEFAULT_MEMORY_MB = 128
DEFAULT_TIMEOUT_SECONDS = 3
DEFAULT_EPHEMERAL_MB = 512
DEFAULT_HANDLER = "handler.handle"


def read_template(
    path: Path,
    *,
    parameters: Mapping[str, str],
    environment: Mapping[str, str],
    endpoint: str = "",
) -> Template:
    """Read functions, state machines, tasks, schedules and the resources that they need.

    ``parameters`` gives values to template parameters and dynamic references; ``environment`` replaces environment
    variables of every function and task, so that their values in the template need not be resolvable here; ``endpoint`` is the
    emulator's URL, which the URLs of queues begin with. Raises LocalStackError with the place of what cannot be resolved,
    is missing, or is not what a laptop can do.
    """
    document = load_document(path)
    resources = document.get("Resources", {})
    function_globals = document.get("Globals", {}).get("Function", {})
    names = Resolver(document, parameters)
    attributes = name_attributes(resources, names, endpoint) | task_attributes(resources, names)
    for name, resource in resources.items():
        kind = resource.get("Type")
        if kind == FUNCTION_TYPE:
            attributes |= {name: name, f"{name}.Arn": function_arn(name)}
            attributes |= _alias_attributes(name, {**function_globals, **resource.get("Properties", {})}, function_arn(name))
        elif kind == STATE_MACHINE_TYPE:
            arn = state_machine_arn(name)
            attributes |= {name: arn, f"{name}.Arn": arn, f"{name}.Name": name}
            alias = resource.get("Properties", {}).get("AutoPublishAlias")
            if alias is not None:
                attributes[f"{name}Alias{alias}"] = f"{arn}:{alias}"
    resolver = Resolver(document, parameters, attributes)
    declared = read_resources(resources, resolver)
    reader = _Reader(path.parent, resolver, function_globals, environment, declared)
    return Template(
        functions=tuple(reader.function(name, item) for name, item in resources.items() if item["Type"] == FUNCTION_TYPE),
        state_machines=tuple(
            reader.state_machine(name, item) for name, item in resources.items() if item["Type"] == STATE_MACHINE_TYPE
        ),
        resources=declared,
        task_definitions=read_task_definitions(resources, resolver, path.parent, environment),
        clusters=read_clusters(resources, resolver),
        schedules=read_schedules(
            resources,
            resolver,
            declared.queues,
            [function_arn(name) for name, item in resources.items() if item["Type"] == FUNCTION_TYPE],
        ),
    )


def _alias_attributes(name: str, properties: Mapping[str, Any], arn: str) -> dict[str, str]:
    """What the two names give that SAM has for the alias which it publishes (``AutoPublishAlias``)."""
    alias = properties.get("AutoPublishAlias")
    if alias is None:
        return {}
    return dict.fromkeys((f"{name}.Alias", f"{name}Alias{alias}"), f"{arn}:{alias}")


@dataclass(frozen=True)
class _Reader:
    root: Path
    resolver: Resolver
    function_globals: Mapping[str, Any]
    environment: Mapping[str, str]
    declared: Resources

    def function(self, name: str, resource: Mapping[str, Any]) -> FunctionSpec:
        place = f"Resources/{name}"
        properties = {**self.function_globals, **resource.get("Properties", {})}
        folder, handler = self._code(place, resource, properties)
        variables = {
            **self.function_globals.get("Environment", {}).get("Variables", {}),
            **resource.get("Properties", {}).get("Environment", {}).get("Variables", {}),
        }

        def value(member: str, default: Any) -> Any:
            resolved = self.resolver.resolve(properties.get(member, default), f"{place}/{member}")
            return default if resolved is NO_VALUE else resolved

        timeout = float(value("Timeout", DEFAULT_TIMEOUT_SECONDS))
        reserved = value("ReservedConcurrentExecutions", None)
        return FunctionSpec(
            name=name,
            folder=folder,
            handler=handler,
            memory_mb=int(value("MemorySize", DEFAULT_MEMORY_MB)),
            timeout_seconds=timeout,
            environment=self.variables(f"{place}/Environment/Variables", variables),
            ephemeral_mb=int(value("EphemeralStorage", {}).get("Size", DEFAULT_EPHEMERAL_MB)),
            reserved_concurrency=None if reserved is None else int(reserved),
            own_log_group=value("LoggingConfig", {}).get("LogGroup"),
            asynchronous=read_asynchronous_calls(place, properties, self.resolver),
            queues=read_queue_mappings(place, properties, self.resolver, self.declared.queues, timeout),
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
            alias=properties.get("AutoPublishAlias"),
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
