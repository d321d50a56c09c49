"""The process that makes a case's data, so that what that takes of memory is nobody's."""

import importlib
import shutil
import sys
import uuid

from bench.workplace import CACHE, Workplace


def main() -> None:
    """Run the function that the arguments name, for a scale."""
    name, scale = sys.argv[1], float(sys.argv[2])
    module, _, function = name.partition(":")
    scratch = CACHE / "scratch" / uuid.uuid4().hex[:12]
    scratch.mkdir(parents=True)
    try:
        workplace = Workplace(scale, scratch)
        workplace.data.mkdir(parents=True, exist_ok=True)
        # What other versions of the product made is not looked at again.
        for old in set(workplace.data.glob("prepared-*")) - {workplace.prepared}:
            shutil.rmtree(old)
        getattr(importlib.import_module(module), function)(workplace)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
