"""`package new NAME`: a directory with everything a plugin needs, and a test that passes."""

import os
from collections.abc import Callable

import click

from exoctl import files, scaffold
from exoctl.faults import failed, usage
from exoctl.session import Action, Session
from exoctl.verb import verb
from exod.errors import Refused
from exod.names import PLUGIN_TYPES, is_name


@verb(example="exoctl package new hello --type custom", writes=True)
@click.argument("name")
@click.option("--type", "kind", type=click.Choice(PLUGIN_TYPES), default="custom", show_default=True, help="Its type.")
@click.option("--dir", "directory", metavar="DIR", help="Where; default ./NAME. It must not exist.")
def command(session: Session, *, name: str, kind: str, directory: str | None) -> None:
    """Makes the directory of a new plugin NAME."""
    if not is_name(name):
        hint = "lower-case letters, digits and single dashes, at most 63"
        raise Refused(usage(f"cannot make {name}: that is not a plugin's name", hint))
    top = directory or name
    contents = scaffold.files(name, kind=kind)
    actions = [Action(f"make directory {place}", _maker(place)) for place in _directories(top, list(contents))]
    actions += [_writing(os.path.join(top, path), text) for path, text in contents.items()]
    if session.perform(actions):
        _tell(session, top, list(contents))


def _directories(top: str, paths: list[str]) -> list[str]:
    inner = dict.fromkeys(os.path.dirname(path) for path in paths if "/" in path)
    return [top, *(os.path.join(top, place) for place in inner)]


def _maker(place: str) -> Callable[[], None]:
    def make() -> None:
        try:
            os.mkdir(place, 0o755)
        except FileExistsError as error:
            hint = "choose another name, or say where with --dir DIR"
            raise Refused(usage(f"cannot make {place}: it exists", hint)) from error
        except OSError as error:
            raise Refused(failed("directory-refused", f"cannot make {place}: {error.strerror}")) from error

    return make


def _writing(path: str, text: str) -> Action:
    return Action(f"write {path}", lambda: files.create(path, text.encode(), mode=0o644))


def _tell(session: Session, top: str, paths: list[str]) -> None:
    if session.json_mode:
        session.printer.document({"directory": top, "files": paths})
    else:
        session.printer.line(f"made {top}; test it with: cd {top} && pytest")
