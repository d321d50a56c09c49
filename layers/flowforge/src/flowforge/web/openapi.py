"""The description of the API for programs, as it is committed: ``python -m flowforge.web.openapi FILE`` writes it."""

import json
import sys
from pathlib import Path

from flowforge.web.application import describing_application


def text() -> str:
    """The document as the file has it: its names are in an order that does not change with that of the code."""
    return json.dumps(describing_application().openapi(), indent=2, sort_keys=True) + "\n"


def main() -> None:
    """Write the document to the file that the argument names."""
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
