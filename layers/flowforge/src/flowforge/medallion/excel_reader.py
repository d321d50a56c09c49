"""What the reader of workbooks raises, in our errors. It is imported here only, when a step meets a workbook."""

from collections.abc import Iterator
from contextlib import contextmanager

from flowforge.model.errors import DataFault


def locked(file: str) -> DataFault:
    """The fault of a workbook behind a password."""
    return DataFault(f"{file} is protected by a password; save it without one", file=file)


@contextmanager
def reader_errors(file: str) -> Iterator[None]:
    """Turn the reader's exceptions into DataFault. It is written in Rust and panics on some damaged files."""
    from python_calamine import CalamineError, PasswordError, WorksheetNotFound

    try:
        yield
    except PasswordError as error:
        raise locked(file) from error
    except (CalamineError, WorksheetNotFound) as error:
        raise DataFault(f"{file} is a damaged workbook ({error}); save it again", file=file) from error
    except BaseException as error:
        # The class of panics cannot be imported, and is no Exception so that nobody goes on after one by chance.
        if type(error).__name__ != "PanicException":
            raise
        raise DataFault(f"{file} is a damaged workbook, which its reader gave up on; save it again", file=file) from error
