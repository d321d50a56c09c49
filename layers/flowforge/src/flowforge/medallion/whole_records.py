"""The part of a file's start that holds whole records, where the file was cut off somewhere."""

from flowforge.medallion.json_documents import LINE_ENDS, LINES
from flowforge.medallion.json_records import Layout, OtherLayout, layout_of, records, strict_decoder
from flowforge.medallion.json_text import JsonText
from flowforge.model.encoding import UTF_8, encoding_of_mark
from flowforge.model.errors import DataFault
from flowforge.model.text_options import TextOptions

LINE_END = "\n"
OLD_LINE_END = "\r"


def whole_lines(start: bytes, options: TextOptions) -> bytes:
    """The start of a text up to its last line end; all of it where there is none.

    A quoted field may hold that line end, so the last record can still be cut off.
    """
    encoding = options.encoding or (encoding_of_mark(start) or (UTF_8, b""))[0]
    for sign in (LINE_END, OLD_LINE_END):
        # Without a mark of its own, which "utf-16" alone would write.
        line_end = sign.encode(f"{encoding}-le" if encoding in ("utf-16", "utf-32") else encoding)
        width = len(line_end)
        at = start.rfind(line_end)
        while at > 0 and at % width:
            at = start.rfind(line_end, 0, at + width - 1)
        if at >= 0:
            return start[: at + width]
    return start


def whole_json_records(start: bytes, record_path: str | None, *, file: str) -> bytes:
    """The records of the start of a JSON file as JSON lines, without the one that is cut off.

    Raises DataFault where not even one of them is whole.
    """
    layout = layout_of(JsonText([start], file=file), record_path=record_path, lines=file.lower().endswith(LINES))
    found = _texts(start, layout, file=file)
    if not found:
        raise DataFault(
            f"{file}: no record ends within its first {len(start):,} bytes, so nothing of it can be shown; name the array that "
            "holds the records by recordPath, where there is one",
            file=file,
        )
    return LINE_END.join(found).encode()


def _texts(start: bytes, layout: Layout, *, file: str) -> list[str]:
    found: list[str] = []
    try:
        for _, text in records(JsonText([start], file=file), layout, strict_decoder()):
            found.append(text.translate(LINE_ENDS))
    except OtherLayout:
        return _texts(start, Layout(), file=file)
    except DataFault:
        # Where the text was cut off. What is wrong with a record further up, the run of the job tells, and nothing is hidden
        # by this: fewer records are shown.
        return found
    return found
