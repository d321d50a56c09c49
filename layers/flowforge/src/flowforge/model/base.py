"""The base of every model that is stored or sent: camelCase in JSON, frozen, unknown fields refused."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Document(BaseModel):
    """A value with snake_case names in Python and camelCase names in JSON and YAML."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
    )

    def to_json(self) -> str:
        """Serialise with the stored names, stable in order, two spaces deep."""
        return self.model_dump_json(by_alias=True, indent=2)

    def set_options(self, names: Iterable[str]) -> list[str]:
        """Of the fields named those that are not left at their defaults, by their stored names."""
        fields = type(self).model_fields
        return [fields[name].alias or name for name in names if getattr(self, name) != fields[name].default]
