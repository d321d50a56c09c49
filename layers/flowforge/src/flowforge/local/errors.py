"""What can go wrong with the local stack itself, told to the person who started it."""


class LocalStackError(Exception):
    """The local stack cannot do what was asked; the message names what happened and what to do about it."""
