"""What the container tests share: where things lie, and what a run of the sample workflow left."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowforge.lake.lake import Lake
from flowforge.model.step import Step, StepResult

ROOT = Path(__file__).parents[2]
BUILT = ROOT / ".aws-sam" / "build"
SAM = ROOT / ".tools" / "sam" / "bin" / "sam"
FUNCTIONS = {
    Step.BRONZE_INGEST: "BronzeIngest",
    Step.SILVER_TRANSFORM: "SilverTransform",
    Step.GOLD_PUBLISH: "GoldPublish",
}

Invoke = Callable[[str, str], Any]
"""From a function's name and a sample event's to the function's answer."""


@dataclass(frozen=True)
class Runs:
    """The results of the steps of one job, in the containers and on the host, each with the bucket that they wrote to."""

    container: Mapping[Step, StepResult]
    container_lake: Lake
    host: Mapping[Step, StepResult]
    host_lake: Lake


def event(name: str) -> Any:
    """A sample event."""
    return json.loads((ROOT / "events" / f"{name}.json").read_text())
