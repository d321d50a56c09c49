"""The options of a Silver table: what goes together, and what is refused with the reason."""

from typing import Any

import pytest
from pydantic import ValidationError

from flowforge.model.silver_config import MergeStrategy, SilverConfig


def config(**options: Any) -> SilverConfig:
    return SilverConfig.model_validate(options)


def history(**options: Any) -> SilverConfig:
    return config(primaryKey="id", mergeStrategy="scd_type_2", **options)


def test_strategies_and_policies_are_known_by_their_other_names() -> None:
    assert config(mergeStrategy="full_refresh").merge_strategy is MergeStrategy.REPLACE
    assert config(primaryKey="id", conflictResolution="last_arrival").conflict_resolution == "source_wins"


def test_a_natural_key_is_the_primary_key_of_a_history() -> None:
    assert config(scdNaturalKey=["a", "b"], mergeStrategy="scd_type_2").primary_key == ("a", "b")
    with pytest.raises(ValidationError, match="a history has one key"):
        history(scdNaturalKey="other")


def test_a_history_adds_an_effective_date_only_where_the_source_has_none() -> None:
    assert history().added_columns == ("_effective_from", "_effective_to", "_is_current", "_sk_id")
    dated = history(scdEffectiveDateColumn="changed_on", scdEndDateColumn="until", scdCurrentFlagColumn="now")
    assert dated.added_columns == ("until", "now", "_sk_id")
    assert dated.row_key == ("id", "changed_on")


@pytest.mark.parametrize("options", [{}, {"mergeStrategy": "scd_type_2", "primaryKey": "id", "scdTrackDeletes": True}])
def test_a_stored_definition_is_read_again_as_it_was(options: dict[str, Any]) -> None:
    stored = config(**options)
    assert SilverConfig.model_validate_json(stored.to_json()) == stored


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"mergeStrategy": "scd_type_2"}, "mergeStrategy 'scd_type_2' needs a primaryKey"),
        ({"primaryKey": "id", "conflictResolution": "most_recent"}, "goes with conflictColumn"),
        ({"primaryKey": "id", "conflictColumn": "at"}, "goes with conflictColumn"),
        ({"conflictResolution": "target_wins"}, "'target_wins' needs a primaryKey"),
        ({"mergeStrategy": "append", "updateStrategy": "update_changed"}, "'update_changed' needs mergeStrategy merge"),
        (
            {
                "primaryKey": "id",
                "mergeStrategy": "merge",
                "updateStrategy": "update_changed",
                "conflictResolution": "target_wins",
            },
            "'update_changed' does not go with conflictResolution 'target_wins'",
        ),
        (
            {"primaryKey": "id", "surrogateKeyStrategy": "auto_increment"},
            "'auto_increment' needs mergeStrategy merge or scd_type_2",
        ),
        ({"surrogateKeyStrategy": "use_existing"}, "needs a surrogateKeyColumn that the source has"),
        ({"primaryKey": "id", "scdTrackDeletes": True}, "scdTrackDeletes: options of a history need mergeStrategy scd_type_2"),
    ],
)
def test_what_does_not_go_together_is_refused_with_the_reason(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        config(**options)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"conflictResolution": "target_wins"}, "does not go with scd_type_2, which keeps every version"),
        ({"scdTrackDeletes": True, "scdEffectiveDateColumn": "day"}, "a row that is missing has no date of its own"),
        ({"scdEndDateColumn": "_sk_id"}, "they need different names"),
        ({"scdEndDateColumn": "_run_id"}, "none of the product's own"),
        (
            {"surrogateKeyStrategy": "use_existing", "surrogateKeyColumn": "sk"},
            "'use_existing' does not go with scd_type_2: each version has a key",
        ),
    ],
)
def test_a_history_refuses_what_it_cannot_keep(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        history(**options)
