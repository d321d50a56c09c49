"""What the metadata refuses a person, told apart by what an answer says about it.

::

    FlowForgeError
    └── Refusal
        ├── NotThere     no such workflow, job, execution, token ...
        ├── NameTaken    a slug, a name or a dataset belongs to another one, or is kept for data that lies there
        ├── InUse        what is there forbids it: an execution is active, data was not purged
        └── Changed      somebody changed it since it was read

No state machine sees these; the steps' errors are in ``model/errors.py``. A field that is wrong is a ConfigFault here too.
"""

from flowforge.model.errors import FlowForgeError


class Refusal(FlowForgeError):
    """The database is well, and the answer is no."""


class NotThere(Refusal):
    """What was named does not exist."""


class NameTaken(Refusal):
    """A name that only one may have has an owner."""


class InUse(Refusal):
    """The state of things forbids it now."""


class Changed(Refusal):
    """It is at another version than the one that was read: read it again."""
