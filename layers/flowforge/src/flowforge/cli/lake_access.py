"""The lake that a command is about: that of a stage in AWS, that which the environment names, or that of the laptop."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from flowforge.lake.athena import Athena
from flowforge.lake.catalog import Catalog
from flowforge.lake.lake import BUCKET_VARIABLE, STAGE_VARIABLE, Lake
from flowforge.lake.service_errors import translate
from flowforge.model.errors import ConfigFault

if TYPE_CHECKING:
    from flowforge.local.connection import StackConnection


@dataclass(frozen=True)
class LakeAccess:
    """A lake with its catalog, and the way to ask it."""

    lake: Lake
    session: "boto3.session.Session"
    athena_url: str | None = None

    @property
    def catalog(self) -> Catalog:
        """The catalog of the lake's tables."""
        if self.lake.catalog is None:
            raise ConfigFault(f"the environment variable {STAGE_VARIABLE} is not set, so no catalog is known")
        return self.lake.catalog

    @cached_property
    def athena(self) -> Athena:
        """The workgroup of the lake's stage."""
        return Athena.connect(self.catalog.stage, self.session, endpoint_url=self.athena_url)


@contextmanager
def open_lake(*, stage: str | None, state: Path | None) -> Iterator[LakeAccess]:
    """The lake of a stage, for as long as the block runs.

    ``stage`` names one in the account of the credentials at hand; without it the environment may name a bucket, as
    ``flowforge up`` prints it; otherwise it is the stack of the state folder, which is started where none runs.
    """
    if stage is not None:
        session = boto3.session.Session()
        yield LakeAccess(Lake.connect(_bucket_of(stage, session), session, stage=stage), session)
    elif state is None and os.environ.get(BUCKET_VARIABLE):
        yield LakeAccess(Lake.from_environment(), boto3.session.Session())
    else:
        from flowforge.local.open_stack import open_stack
        from flowforge.local.project import find_project
        from flowforge.local.state_folder import StateFolder

        project = find_project()
        with open_stack(project, StateFolder.of(project, state).root) as stack:
            yield _of_stack(stack)


def _of_stack(stack: "StackConnection") -> LakeAccess:
    return LakeAccess(stack.lake(), stack.session(), stack.endpoints["athena"])


def _bucket_of(stage: str, session: "boto3.session.Session") -> str:
    """The data bucket of a stage, as its foundation recorded it."""
    name = f"/flowforge/{stage}/data-bucket"
    try:
        return str(session.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
    except (ClientError, BotoCoreError) as error:
        raise translate(error, f"reading the parameter {name}, which the foundation of {stage} has", service="SSM") from error
