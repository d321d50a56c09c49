"""What ``flowforge assets`` prints of a lake with one finished run."""

import io
from datetime import date
from typing import Any

import boto3
import pytest
from rich.console import Console

from flowforge.cli.assets import list_assets, preview_asset, show_asset, show_lineage
from flowforge.cli.assets_upkeep import apply_retention, compact_asset, repair_catalog
from flowforge.cli.lake_access import LakeAccess
from flowforge.lake.lake import Lake
from flowforge.model.errors import ConfigFault
from flowforge.model.layer import Layer
from lab import DAWN, Lab


@pytest.fixture
def access(catalogued: Lake, aws: boto3.session.Session) -> LakeAccess:
    lab = Lab(catalogued, silver={"mergeStrategy": "append"})
    lab.job["destinationConfig"] = {"bronzeConfig": {"retentionDays": 5}, "silverConfig": lab.silver}
    lab.ingest("id,name\n1,ann\n2,bob\n").gold()
    lab.ingest("id,name\n3,cid\n", name="more.csv").silver()
    return LakeAccess(catalogued, aws)


def printed(command: Any, *arguments: Any, **options: Any) -> list[list[str]]:
    screen = io.StringIO()
    assert command(*arguments, **options, console=Console(file=screen, width=200)) == 0
    return [line.split() for line in screen.getvalue().splitlines() if line.strip()]


def test_a_lake_is_listed_shown_traced_and_kept_in_order(access: LakeAccess) -> None:
    listed = {line[0]: line[1:] for line in printed(lambda console: list_assets(access, console))}
    assert listed["silver.shop_orders"][:2] == ["table", "3"]
    assert listed["silver.shop_orders"][4:6] == ["2", "1"], "two files, of which one would do"
    assert listed["gold.shop_orders_latest"] == ["view", "2"]

    shown = printed(lambda console: show_asset(access, "silver.shop_orders", console))
    assert ["name", "bigint"] not in shown
    assert ["id", "bigint"] in shown
    assert ["run_date", "date"] in shown
    assert [line[:2] for line in shown if line[0] == "2026-11-23"] == [["2026-11-23", "3"]]

    assert ["1", "ann"] in printed(preview_asset, access, "shop_orders", rows=1)

    traced = printed(show_lineage, access, "gold.shop_orders", run_id=None, source_file=None, row_number=None)
    assert any(line[:2] == ["from", "landing/wf_shop/job_orders/orders.csv"] and "sha256" in line for line in traced)
    record = printed(show_lineage, access, "silver.shop_orders", run_id=None, source_file="more.csv", row_number=1)
    assert ["name", "=", "cid"] in record

    would = printed(compact_asset, access, "silver.shop_orders", dry_run=True, now=DAWN)
    assert would[0][:4] == ["2026-11-23:", "2", "files,", would[0][3]]
    assert would[0][-3:] == ["would", "become", "one"]
    done = printed(compact_asset, access, "silver.shop_orders", dry_run=False, now=DAWN)
    assert done[0][-2:] == ["(3", "rows)"]
    assert printed(compact_asset, access, "silver.shop_orders", dry_run=False, now=DAWN)[0][1:] == [
        "has",
        "nothing",
        "to",
        "compact",
    ]

    looked = printed(apply_retention, access, None, apply=False, today=date(2026, 12, 1))
    assert looked[0][:4] == ["bronze.shop_orders", "2026-11-23:", "would", "remove"]
    assert looked[-1][:3] == ["nothing", "was", "removed;"]
    assert printed(apply_retention, access, "bronze.shop_orders", apply=True, today=date(2026, 12, 1))[0][2] == "removed"
    assert printed(apply_retention, access, None, apply=True, today=date(2026, 12, 1))[0][:3] == ["nothing", "is", "older"]

    access.catalog.delete(Layer.SILVER, "shop_orders")
    with pytest.raises(ConfigFault, match=r"the catalog has no table silver\.shop_orders"):
        show_asset(access, "silver.shop_orders", Console(file=io.StringIO()))
    assert printed(lambda console: repair_catalog(access, console))[0][0] == "2"
    assert access.catalog.table(Layer.SILVER, "shop_orders") is not None
