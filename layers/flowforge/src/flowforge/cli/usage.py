"""The error of a command that was typed wrongly."""


class UsageError(Exception):
    """An option, an argument or their combination is wrong; the message names it. The command ends with status 2."""
