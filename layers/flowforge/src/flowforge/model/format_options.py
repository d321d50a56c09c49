"""How files of other formats than delimited text are read: the options of ``fileConfig`` that say it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from flowforge.model.base import Document

OF_JSON = ("record_path",)
OF_WORKBOOKS = ("sheet_name", "sheet_index", "sheets", "header_row")


class FormatOptions(Document):
    """``record_path`` names the array of a JSON document that holds the records, by names of members separated by dots.

    ``sheet_name`` and ``sheet_index`` (from 0) choose one sheet of a workbook, ``sheets: all`` every visible one; without them
    the first visible one is read. ``header_row`` is the 1-based row of the sheet that holds the names; without it, the first
    one with content.
    """

    record_path: Annotated[str, Field(pattern=r"^[^.]+(\.[^.]+)*$")] | None = None
    sheet_name: Annotated[str, Field(min_length=1)] | None = None
    sheet_index: Annotated[int, Field(ge=0)] | None = None
    sheets: Literal["all"] | None = None
    header_row: Annotated[int, Field(ge=1)] | None = None

    @property
    def of_workbooks(self) -> list[str]:
        """The options that are set and that only a workbook has, as people write them."""
        return self.set_options(OF_WORKBOOKS)

    @property
    def of_json(self) -> list[str]:
        """The options that are set and that only JSON has, as people write them."""
        return self.set_options(OF_JSON)

    @model_validator(mode="after")
    def _one_choice_of_sheets(self) -> Self:
        if sum(option is not None for option in (self.sheet_name, self.sheet_index, self.sheets)) > 1:
            raise ValueError("sheetName, sheetIndex and sheets choose the sheet in three ways; give one of them")
        return self
