"""What a look at a sheet gives, before and apart from the reader of its cells."""

from dataclasses import dataclass, field

from flowforge.model.errors import DataFault

MAX_EMPTY_RECTANGLE_CELLS = 10_000_000
MAX_EMPTINESS = 1_000
MAX_SHEET_ROWS = 1 << 20
MAX_SHEET_COLUMNS = 1 << 14
"""The size of a sheet ("Excel specifications and limits")."""


@dataclass
class SheetContent:
    """The rows with content, numbered from 1 and in order, and how many cells hold content, errors and uncalculated formulas.

    A shared text can be empty, which only the reader of cells knows, so ``last_certain_row`` is the last with anything else.
    """

    rows: list[int] = field(default_factory=list)
    cells: int = 0
    first_column: int = MAX_SHEET_COLUMNS
    last_column: int = 0
    errors: int = 0
    first_error: str = ""
    last_certain_row: int = 0
    unset_formulas: int = 0
    first_unset: str = ""

    @property
    def rectangle_cells(self) -> int:
        """How many cells the rectangle around all content has."""
        if not self.rows:
            return 0
        return (self.rows[-1] - self.rows[0] + 1) * (self.last_column - self.first_column + 1)

    def require_density(self, sheet: str, *, file: str) -> None:
        """Raise DataFault where a few stray cells make the rectangle huge, all of which the reader would hold."""
        if self.rectangle_cells > MAX_EMPTY_RECTANGLE_CELLS and self.rectangle_cells > MAX_EMPTINESS * self.cells:
            raise DataFault(
                f"{file}: the sheet {sheet!r} has {self.cells:,} cells with content in a rectangle of {self.rectangle_cells:,}; "
                "delete the stray ones far from the table",
                file=file,
            )

    def add_cell(self, row: int, column: int, *, is_error: bool, is_shared_text: bool) -> None:
        """Count a cell with content, at a row and column from 1. Raises ValueError where it lies outside of a sheet."""
        if not 0 < column <= MAX_SHEET_COLUMNS:
            raise ValueError(f"a cell in column {column:,} lies outside of a sheet")
        self.cells += 1
        self.first_column = min(self.first_column, column)
        self.last_column = max(self.last_column, column)
        if is_error:
            self.errors += 1
            self.first_error = self.first_error or reference(row, column)
        if not is_shared_text:
            self.last_certain_row = max(self.last_certain_row, row)

    def add_row(self, row: int) -> None:
        """Note a row with content. Raises ValueError where it is not behind the one before, or outside of a sheet."""
        if not 0 < row <= MAX_SHEET_ROWS or (self.rows and row <= self.rows[-1]):
            raise ValueError(f"row {row} stands out of order")
        self.rows.append(row)


def reference(row: int, column: int) -> str:
    """The name of a cell, such as ``AB12``, from its row and column, each from 1."""
    letters = ""
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(65 + letter) + letters
    return f"{letters}{row}"
