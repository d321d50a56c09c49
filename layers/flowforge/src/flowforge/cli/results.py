"""The results that the steps of an execution left under ``runs/``, and the equations that hold between them."""

from collections.abc import Mapping

from flowforge.lake.keys import result_key
from flowforge.lake.lake import Lake
from flowforge.model.step import BronzeCounts, GoldCounts, SilverCounts, Step, StepResult
from flowforge.model.workflow import Workflow

SHARED = (Step.SILVER_TRANSFORM, Step.GOLD_PUBLISH)
"""The steps whose results tell which state of a shared table they left or read."""
Results = Mapping[tuple[str, Step], StepResult]


def read_results(lake: Lake, execution_id: str, workflow: Workflow) -> Results:
    """Read the results that are there, by job and step; a step that did not end well left none."""
    results = {}
    for job in workflow.jobs:
        for step in Step:
            found = lake.read(result_key(execution_id, job.id, step))
            if found is not None:
                results[job.id, step] = StepResult.model_validate_json(found[0])
    return results


def broken_promises(workflow: Workflow, results: Results) -> list[str]:
    """Tell what does not add up in an execution that succeeded, a line each: in a step and from layer to layer."""
    lines = []
    for job in workflow.jobs:
        found = {step: results.get((job.id, step)) for step in job.steps}
        for step, result in found.items():
            if result is None:
                lines.append(f"{job.name}: {step} left no result")
            else:
                lines += [f"{job.name}: {step}: {equation}" for equation in result.counts.broken_equations()]
        bronze, silver, gold = (result.counts if (result := found.get(step)) else None for step in Step)
        if isinstance(bronze, BronzeCounts) and isinstance(silver, SilverCounts) and silver.read != bronze.written:
            lines.append(f"{job.name}: Silver read {silver.read} rows, Bronze wrote {bronze.written}")
        if isinstance(silver, SilverCounts) and isinstance(gold, GoldCounts):
            # Another run can have changed the table in between; Gold then shows the later state.
            same_state = len({result.table_version for result in found.values() if result and result.step in SHARED}) == 1
            if same_state and gold.read != silver.after:
                lines.append(f"{job.name}: Gold read {gold.read} rows, Silver holds {silver.after}")
    return lines
