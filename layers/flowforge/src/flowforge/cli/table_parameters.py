"""The options of ``flowforge run`` that say what Silver and Gold are, as ``--help`` shows them."""

from typing import Annotated

import typer

SILVER = "Silver"
SILVER_TABLES = "Silver tables"
GOLD = "Gold"

PrimaryKey = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN,...", help="What makes two rows the same; the later one wins.", rich_help_panel=SILVER),
]
Type = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN=TYPE",
        help="A column's type: text, integer, decimal(12,2), float, boolean, date or timestamp. Inferred without it. Repeatable.",
        rich_help_panel=SILVER,
    ),
]
NotNull = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN,...", help="Rows without a value here go to quarantine.", rich_help_panel=SILVER),
]
Unique = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN,...", help="Rows that share a value here go to quarantine.", rich_help_panel=SILVER),
]
Rule = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN: RULE",
        help="Rows that break it go to quarantine: 'amount: range(0, 100)', 'code: pattern(^[A-Z]+$)', 'size: enum(S, M)', "
        "'name: length(1, 20)', 'country: referential(geo/countries.code)', 'expression(paid <= amount)'. Repeatable.",
        rich_help_panel=SILVER,
    ),
]
Warn = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN: RULE", help="The same, for rules that are only counted. Repeatable.", rich_help_panel=SILVER),
]
Filter = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CONDITION",
        help="Rows to keep: 'amount > 0', 'status != void', 'name contains GmbH', 'size in S, M', 'email is not null'. "
        "Repeatable.",
        rich_help_panel=SILVER,
    ),
]
Transform = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN: CHANGE, ...",
        help="Changes to a column: trim, uppercase, lowercase, replace(a, b), substring(1, 3), email_normalize, "
        "phone_format(49), format(%d.%m.%Y). Repeatable.",
        rich_help_panel=SILVER,
    ),
]
Derive = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN TYPE = EXPRESSION",
        help="A column that is computed: 'net decimal(12,2) = amount - tax'. Repeatable.",
        rich_help_panel=SILVER,
    ),
]
MaxErrorRate = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="The share of bad rows beyond which the run changes nothing.", rich_help_panel=SILVER),
]
Widen = Annotated[
    bool,
    typer.Option("--widen", help="Let an inferred type grow for values that do not fit.", rich_help_panel=SILVER),
]
Merge = Annotated[
    bool,
    typer.Option(
        "--merge", help="Short for --strategy merge: per primary key the latest run's row.", rich_help_panel=SILVER_TABLES
    ),
]
Strategy = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="What a run does to the Silver table of earlier runs: versioned (its rows are the table; the default), merge, "
        "replace (its rows take the place of all), append (they come on top) or scd_type_2 (per key its versions).",
        rich_help_panel=SILVER_TABLES,
    ),
]
Conflict = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Which of two rows of a key stays: source_wins (the later one; the default), target_wins (the earlier one) or "
        "most_recent (by --conflict-column).",
        rich_help_panel=SILVER_TABLES,
    ),
]
ConflictColumn = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="The row with the greater value here stays.", rich_help_panel=SILVER_TABLES),
]
SurrogateKey = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Where surrogate keys come from: hash (the default), uuid, auto_increment (with merge or scd_type_2), or "
        "COLUMN of the source as existing:COLUMN.",
        rich_help_panel=SILVER_TABLES,
    ),
]
EffectiveDate = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="With scd_type_2: from when a row holds, by this column; from its arrival without it.",
        rich_help_panel=SILVER_TABLES,
    ),
]
TrackDeletes = Annotated[
    bool,
    typer.Option(
        "--track-deletes",
        help="With scd_type_2: every run is a full snapshot, so a key that is missing ends.",
        rich_help_panel=SILVER_TABLES,
    ),
]
GroupBy = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN,...", help="Columns that Gold groups by.", rich_help_panel=GOLD),
]
Aggregate = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FUNCTION(COLUMN)",
        help="sum, avg, median, min, max, count, count_distinct, first or last per group, such as total=sum(amount) or "
        "count(*). Repeatable.",
        rich_help_panel=GOLD,
    ),
]
TimeGrain = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN=GRAIN",
        help="Group by the day, week, month, quarter or year of a date or timestamp, such as ordered_on=month.",
        rich_help_panel=GOLD,
    ),
]
TimeZone = Annotated[
    str | None,
    typer.Option(
        metavar="ZONE", help="Where a timestamp's days begin, such as Europe/Berlin; UTC without it.", rich_help_panel=GOLD
    ),
]
OrderBy = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN [desc],...", help="The order of Gold's rows. Repeatable.", rich_help_panel=GOLD),
]
Build = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="How a run makes Gold: full_rebuild (the default), incremental (with --strategy append and an aggregation) or "
        "snapshot (every run's rows stay beside those of the others).",
        rich_help_panel=GOLD,
    ),
]
