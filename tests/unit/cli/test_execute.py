"""A workflow is stored and its files land as any client of the product would do it."""

from pathlib import Path

import pytest

from databases import ANNA
from flowforge.cli.execute import land, store
from flowforge.cli.usage import UsageError
from flowforge.lake.lake import Lake
from flowforge.metadata.database import Database
from flowforge.metadata.workflows import update_workflow
from flowforge.model.workflow import ArrivalTrigger, Workflow
from flowforge.model.workflow_settings import WorkflowSettings

KEY = "landing/wf_shop/job_a/a.csv"


def test_a_new_workflow_has_no_triggers_and_its_files_lie_in_landing(
    shop: Workflow, database: Database, lake: Lake, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    stored = store(database, shop.model_copy(update={"triggers": (ArrivalTrigger(type="arrival"),)}))
    land(lake, stored, {"job_a": {KEY: tmp_path / "a.csv"}})
    assert stored.workflow() == shop
    landed = lake.read(KEY)
    assert landed is not None
    assert landed[0] == b"id\n1\n"


def test_storing_what_is_stored_changes_nothing_and_another_definition_does(shop: Workflow, database: Database) -> None:
    assert [store(database, shop).version, store(database, shop).version] == [1, 1]
    renamed = shop.jobs[0].model_copy(update={"name": "Pears"})
    changed = store(database, shop.model_copy(update={"jobs": (renamed, *shop.jobs[1:])}))
    assert (changed.version, changed.jobs[0].name) == (2, "Pears")


@pytest.mark.parametrize("paused", [False, True])
def test_a_workflow_that_starts_by_itself_is_not_run_twice(
    shop: Workflow, database: Database, lake: Lake, tmp_path: Path, paused: bool
) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    with database.transaction() as connection:
        version = store(database, shop).version
        update_workflow(
            connection,
            ANNA,
            shop.id,
            version=version,
            triggers=[{"type": "arrival", "jobId": "job_a"}],
            settings=WorkflowSettings(paused=paused),
        )
    stored = store(database, shop)
    assert len(stored.triggers) == 1
    files = {"job_a": {KEY: tmp_path / "a.csv"}}
    if paused:
        land(lake, stored, files)
    else:
        with pytest.raises(UsageError, match="starts when a file arrives"):
            land(lake, stored, files)
    assert (lake.head(KEY) is not None) == paused
