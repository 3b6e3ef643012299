"""Why there can be no virtual machine here: the sentence, with the next step."""


class Unusable(Exception):
    """A tool is missing, the archive cannot be reached, or a guest does not come up. Never a reason to skip."""
