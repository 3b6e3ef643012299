"""Completions of exoctl for bash, zsh and fish, from the commands as click knows them.

Live names (plugins, jobs) are asked of the bus by busctl, never by Python: a TAB must not wait for an interpreter, and
must not start a daemon that is down.
"""

from docs.completions import bash, fish, tree, zsh


def scripts() -> dict[str, str]:
    """File name, as its shell looks for it → its text."""
    verbs = tree.verbs()
    return {"exoctl.bash": bash.script(verbs), "_exoctl": zsh.script(verbs), "exoctl.fish": fish.script(verbs)}
