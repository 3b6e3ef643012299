"""The doctor as a process: a DIR and a question → lines of JSON on stdout, one a finding or step.

`examine` looks at everything, `protections` at what `Degraded` speaks of, `plan ID` and `repair ID` do what they say.
Ends with its parent. The caller decides who may ask; here only root can do anything anyway.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from exod.brokers.doctor import probing
from exod.brokers.doctor.check import Action, Check
from exod.brokers.doctor.host import Host, Ports, look
from exod.brokers.doctor.table import CHECKS
from exod.errors import Outcome, Refusal, Refused


def main(words: Sequence[str], ports: Ports) -> int:
    """DIR of `exod --dev` or "" for production, and a question. 0 when it was answered, whatever the answer."""
    probing.follow(os.getppid())
    host = look(Path(words[0]) if words[0] else None, ports, now=time.time())
    os.nice(10)
    try:
        match words[1:]:
            case ["examine"]:
                _examine(CHECKS, host)
            case ["protections"]:
                _examine([check for check in CHECKS if check.protection], host)
            case ["plan" | "repair" as verb, id_, *recorded]:
                _repair(_find(id_), host, dry=verb == "plan", recorded=bool(recorded))
            case _:
                raise Refused(_usage(f"cannot examine this host: {' '.join(words[1:])} is not understood"))
    except Refused as refused:
        _say({"refusal": refused.refusal.fields()})
        return refused.refusal.outcome.exit_code
    return 0


def _examine(checks: Sequence[Check], host: Host) -> None:
    for check, verdict in probing.examine(checks, host):
        _say(probing.finding(check, verdict, host))


def _repair(check: Check, host: Host, *, dry: bool, recorded: bool) -> None:
    """What is done is recorded first: by whoever called if a daemon runs, else here. Then looked at again."""
    actions = check.repair(host) if check.repair is not None else ()
    _say({"steps": [action.description for action in actions]})
    if dry:
        return
    what = "; ".join(action.description for action in actions)
    late = not recorded and not _record(check, host, what)
    for action in actions:
        _do(action, check)
    if late:
        _write(check, host, what)
    _examine([check], host)


def _record(check: Check, host: Host, what: str) -> bool:
    """Whether it could be; a log that exod does not believe is what is to be repaired, and records it afterwards."""
    try:
        _write(check, host, what)
    except Refused as refused:
        if refused.refusal.code != "store-insecure":
            raise
        return False
    return True


def _write(check: Check, host: Host, what: str) -> None:
    if host.layout.state.is_dir():  # else exod never ran here: there is no log, and making one is not for us
        host.ports.record(host.layout.state, {"what": "repair", "check": check.id, "steps": what})


def _do(action: Action, check: Check) -> None:
    try:
        action.do()
    except OSError as error:
        sentence = f"cannot {action.description}: {error.strerror or error}"
        raise Refused(Refusal("repair-failed", sentence, "", {"check": check.id}, Outcome.FAILED)) from error


def _find(id_: str) -> Check:
    found = next((check for check in CHECKS if check.id == id_), None)
    if found is None:
        sentence = f"cannot repair {id_}: there is no such check"
        raise Refused(Refusal("unknown-check", sentence, "exoctl doctor", outcome=Outcome.NOT_FOUND))
    if found.repair is None:
        sentence = f"cannot repair {id_}: what is right there is for a person to decide"
        raise Refused(Refusal("no-repair", sentence, "exoctl doctor", {"why": found.why}, Outcome.USAGE))
    return found


def _usage(sentence: str) -> Refusal:
    return Refusal("usage", sentence, "exoctl doctor --help", outcome=Outcome.USAGE)


def _say(row: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()
