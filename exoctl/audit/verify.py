"""`audit verify`: whether the log is what was written, and how far that can be told."""

from typing import Any

import click

from exoctl.auditlog import Copy, Live, Log, checkpoint, judged, read_key, said
from exoctl.session import Session
from exoctl.trail import Finding, Report
from exoctl.verb import verb
from exod.errors import Outcome, Refusal, Refused

_SHOWN = 20


@verb(example="exoctl audit verify --key audit.key")
@click.argument("directory", required=False)
@click.option("--key", "keys", multiple=True, metavar="FILE", help="A first key that was taken from that host.")
@click.option("--checkpoint", "given", multiple=True, metavar="SEQ:HASH", help="A record known from elsewhere.")
@click.option("--journal", metavar="FILE", help="A log of exod's that was kept elsewhere: its checkpoints count.")
def command(
    session: Session, *, directory: str | None, keys: tuple[str, ...], given: tuple[str, ...], journal: str | None
) -> None:
    """Says where the audit log was edited, reordered or cut: the daemon's, or a copy of it in DIRECTORY.

    Ends with 3 if it was. Without a key only the order and the hashes are checked, which whoever may write the files
    can make anew; what the daemon's key, its registry and its journal remember is held against it in any case.
    """
    log: Log = Copy(directory) if directory else Live(session.bus)
    elsewhere = [checkpoint(text) for text in given] + (said(journal) if journal else [])
    found = [read_key(path) for path in keys]
    report = judged(log, keys=found, checkpoints=elsewhere)
    extra = _lacks(log, checked=bool(found))
    _show(session, log, report, [*report.findings, *extra])
    if report.findings or extra:
        raise Refused(_changed([*report.findings, *extra]))


def _lacks(log: Log, *, checked: bool) -> list[Finding]:
    if checked and not log.known.get("proof"):
        return [Finding("sealing.key", 0, 0, "there is no sealing key: whether the end was cut off cannot be told")]
    return []


def _show(session: Session, log: Log, report: Report, findings: list[Finding]) -> None:
    if session.json_mode:
        session.printer.document(_document(log, report, findings))
        return
    session.printer.pairs(_pairs(log, report))
    for one in findings[:_SHOWN]:
        session.printer.line(f"{one.file or 'the log'} line {one.line}: {one.what}")
    if len(findings) > _SHOWN:
        session.printer.line(f"and {len(findings) - _SHOWN} more")


def _pairs(log: Log, report: Report) -> dict[str, str]:
    one = report.remembered
    tail = report.seq - report.covered
    return {
        "records": f"{report.first} to {report.seq} in {len(log.sizes)} files",
        "end": "a clean stop" if report.closed else "still written, or not a clean stop",
        "keys": f"every record up to {report.sealed}" if report.sealed else "not checked: no --key was given",
        "checkpoint": f"{one.seq}:{one.hash} of {one.who}" if one else "none",
        "uncovered": f"the last {tail} records: nobody else remembers them" if tail else "nothing",
        "first key": _first_key(log),
    }


def _first_key(log: Log) -> str:
    here = log.known.get("initial_key") == "here"
    return "still on that host: exoctl audit export --key FILE" if here else "not on that host"


def _document(log: Log, report: Report, findings: list[Finding]) -> dict[str, Any]:
    one = report.remembered
    return {
        "holds": not findings,
        "records": report.records,
        "first": report.first,
        "last": report.seq,
        "files": list(log.sizes),
        "closed": report.closed,
        "sealed": report.sealed,
        "checkpoint": {"who": one.who, "seq": one.seq, "hash": one.hash} if one else None,
        "uncovered": report.seq - report.covered,
        "initial_key": log.known.get("initial_key", "unknown"),
        "findings": [{"file": it.file, "line": it.line, "seq": it.seq, "what": it.what} for it in findings],
    }


def _changed(findings: list[Finding]) -> Refusal:
    first = findings[0]
    sentence = f"cannot believe the audit log: {first.file or 'the log'} line {first.line}: {first.what}"
    evidence = {"findings": str(len(findings)), "file": first.file, "line": str(first.line), "seq": str(first.seq)}
    hint = "keep the files as they are; exoctl audit export DIRECTORY copies them"
    return Refusal("audit-changed", sentence, hint, evidence, Outcome.REFUSED)
