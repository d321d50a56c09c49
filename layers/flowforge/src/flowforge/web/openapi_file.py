"""Print the description of the API as the file docs/reference/openapi.json has it: ``python -m flowforge.web.openapi_file``."""

import json
import sys

from flowforge.web.application import routes


def openapi_text() -> str:
    """The description, with its names in an order that does not change with the order of the code."""
    return json.dumps(routes().openapi(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(openapi_text())
