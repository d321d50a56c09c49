"""Names of columns: made unique, and held against what the job says."""

from collections.abc import Sequence

from flowforge.model.errors import ConfigFault, DataFault
from flowforge.model.expression import columns_of
from flowforge.model.job import Job
from flowforge.model.names import RESERVED_PREFIX, is_pattern
from flowforge.model.silver_config import SilverConfig


def unique_names(header: Sequence[str]) -> tuple[str, ...]:
    """Strip the names; ``column_{n}`` for an empty one; ``name_2``, ``name_3`` for one that stands there again.

    The result depends on the header alone, so the same file has the same names in every run.
    """
    taken = {name.strip() for name in header}
    names: list[str] = []
    for number, raw in enumerate(header, start=1):
        name = raw.strip() or f"column_{number}"
        if name in names:
            copy = next(n for n in range(2, len(header) + 2) if f"{name}_{n}" not in taken)
            name = f"{name}_{copy}"
            taken.add(name)
        names.append(name)
    return tuple(names)


def check_header(job: Job, columns: Sequence[str], *, file: str) -> None:
    """Hold a file's columns against the job before anything is written.

    Raises DataFault where a column takes a name of the product's, ConfigFault where the job names a column that the
    file does not have.
    """
    reserved = [name for name in columns if name.startswith(RESERVED_PREFIX)]
    if reserved:
        raise DataFault(
            f"{file}: column {reserved[0]!r} starts with '_', which is kept for the product's own columns; rename it",
            file=file,
            column=reserved[0],
        )
    patterns = [name for name in columns if is_pattern(name)]
    if patterns:
        raise DataFault(
            f"{file}: column {patterns[0]!r} is a pattern to the engine ('*', or from '^' to '$'); rename it",
            file=file,
            column=patterns[0],
        )
    mappings = job.transformation_config.column_mappings
    from_file = silver_names(job, columns)
    for mapping in mappings:
        if mapping.source_column not in columns:
            raise _missing("columnMappings.sourceColumn", mapping.source_column, columns, file)
    silver = [*from_file, *job.transformation_config.new_columns]
    twice = sorted({name for name in silver if silver.count(name) > 1})
    if twice:
        raise ConfigFault(
            f"columnMappings, lookups and derivedColumns give {file} two columns named {twice[0]!r}",
            file=file,
            column=twice[0],
            option="columnMappings",
        )
    config = job.destination_config.silver_config
    for column in config.added_columns:
        if column in silver:
            option = _option_of(config, column)
            raise ConfigFault(
                f"silverConfig.{option} is {column!r}, which {file} has as a column of its own",
                file=file,
                column=column,
                option=f"silverConfig.{option}",
            )
    for option, column in config.source_columns.items():
        if column not in silver:
            raise _missing(f"silverConfig.{option}", column, silver, file)
    for column in job.destination_config.silver_config.primary_key:
        if column not in silver:
            raise _missing("silverConfig.primaryKey", column, silver, file)
    _check_transformations(job, from_file, silver, file)
    for rule in job.validation_config.data_quality_rules:
        for column in rule.columns:
            if column not in silver:
                part = "column" if column == rule.column else "parameters"
                raise _missing(f"dataQualityRules[{rule.label}].{part}", column, silver, file)
    gold = job.destination_config.gold_config
    for column in gold.aggregation_group_by:
        if column not in silver:
            raise _missing("goldConfig.aggregationGroupBy", column, silver, file)
    for name, aggregate in gold.parsed_aggregates.items():
        if aggregate.column not in ("*", *silver):
            raise _missing(f"goldConfig.aggregates.{name}", aggregate.column, silver, file)


def _option_of(config: SilverConfig, column: str) -> str:
    """The option that names a column which the product adds."""
    if column == config.scd_end_date_column:
        return "scdEndDateColumn"
    return "scdCurrentFlagColumn" if column == config.scd_current_flag_column else "surrogateKeyColumn"


def _check_transformations(job: Job, from_file: Sequence[str], silver: Sequence[str], file: str) -> None:
    """Raise ConfigFault where a lookup, a derived column or a filter reads a column that is not there when it does."""
    config, known = job.transformation_config, list(from_file)
    for lookup in config.lookups:
        for column in lookup.join_keys:
            if column not in known:
                raise _missing(f"lookups[{lookup.name}].joinKeys", column, known, file)
        known.extend(lookup.select_columns.values())
    for derived in config.derived_columns:
        for column in columns_of(derived.parsed):
            if column not in known:
                raise _missing(f"derivedColumns[{derived.name}].expression", column, known, file)
        known.append(derived.name)
    for condition in config.filters:
        if condition.column not in silver:
            raise _missing("filters.column", condition.column, silver, file)


def silver_names(job: Job, columns: Sequence[str]) -> list[str]:
    """The names that a file's columns have in Silver, in the file's order."""
    names = {mapping.source_column: mapping.name for mapping in job.transformation_config.column_mappings}
    return [names.get(column, column) for column in columns]


def _missing(option: str, column: str, columns: Sequence[str], file: str) -> ConfigFault:
    return ConfigFault(
        f"{option} names the column {column!r}, which {file} does not have; it has {', '.join(columns)}",
        file=file,
        column=column,
        option=option,
    )
