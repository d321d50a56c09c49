"""Which files are delimited text, by their names; what they hold is seen when they are read."""

TEXT_EXTENSIONS = (".csv", ".tsv", ".txt")
COMPRESSED_EXTENSIONS = (".gz", ".zip", ".zst", ".zstd")


def is_table(name: str) -> bool:
    """Whether a file among others in a folder is likely a table: a ``.txt`` there is more often a note."""
    stem = name.lower()
    for extension in COMPRESSED_EXTENSIONS:
        stem = stem.removesuffix(extension)
    return stem.endswith((".csv", ".tsv"))


def is_text_file(name: str) -> bool:
    """Whether a file is named as a delimited text, ``orders.csv``, or as one that is compressed, ``orders.csv.gz``.

    An archive often has a name of its own, ``orders.zip``, and holds files with theirs.
    """
    lower = name.lower()
    return lower.endswith((*TEXT_EXTENSIONS, *COMPRESSED_EXTENSIONS))
