"""The one vocabulary of environments: an environment is the stage of a deployment."""

from enum import StrEnum

from flowforge.model.errors import ConfigFault


class Environment(StrEnum):
    """A stage. The laptop is ``dev``."""

    DEV = "dev"
    QA = "qa"
    UAT = "uat"
    PROD = "prod"


FORMER_NAMES = {"development": Environment.DEV, "production": Environment.PROD}
"""What users of FlowForge have in their exports."""


def environment_of(name: str) -> Environment:
    """The environment that a name means. Raises ConfigFault for any other."""
    try:
        return FORMER_NAMES.get(name) or Environment(name)
    except ValueError:
        known = ", ".join(Environment)
        raise ConfigFault(f"{name!r} is no environment; there are {known}", option="environment") from None
