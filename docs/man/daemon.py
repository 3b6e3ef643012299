"""The daemon's own command line, and what it is → exod.8."""

import argparse

from docs.man import prose, roff
from exod.__main__ import parser


def page() -> str:
    return prose.page("exod", 8, options="".join(_option(one) for one in parser()._actions))


def _option(action: argparse.Action) -> str:
    names = ", ".join(action.option_strings)
    return roff.item(f"{names} {action.metavar}" if action.metavar else names, f"{(action.help or '').rstrip('.')}.")
