"""What exod remembers about trust: owners, version marks, the newest time it saw. A value; `exod/state/` stores it.

Encoded canonically (sorted keys, no spaces), so that equal states are equal bytes. Reads no file and no clock.
Refuses bytes that are not exactly what `encode` writes: a state with two readings would be two states.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from exod.errors import Refusal
from exod.names import is_name
from exod.package import strictjson
from exod.package.fields import Checked, Choice, Digits, Field, Named, Parsed, Table, VersionText, Whole
from exod.package.malformed import MalformedError
from exod.package.payload import COUNT_MAX, TIME_MAX

MAX_BYTES = 16 << 20
_ENTRIES_MAX = 100_000


@dataclass(frozen=True, slots=True)
class TrustState:
    """owners: plugin → key id (hex). marks: plugin → highest version ever installed by that owner.

    clock: newest time seen, in seconds; `generation` grows by one with every change and is repeated by the registry.
    former: `PLUGIN/KEYID` → the mark of an owner that was replaced. lists: key id → newest sequence of the revocation
    list it signed.
    """

    owners: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)
    clock: int = 0
    generation: int = 0
    former: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, int] = field(default_factory=dict)

    def mark(self, plugin: str, *, owner: str) -> str:
        """The version below which this owner's package is a downgrade; "" where there is none."""
        if self.owners.get(plugin) == owner:
            return self.marks.get(plugin, "")
        return self.former.get(f"{plugin}/{owner}", "")


def own(state: TrustState, plugin: str, *, owner: str, mark: str, now: int) -> TrustState:
    """`owner` and `mark` as given ("" forgets them): the step and its undo. A replaced owner's mark is kept aside."""
    former = dict(state.former)
    before = state.owners.get(plugin, "")
    if before and before != owner and plugin in state.marks:
        former[f"{plugin}/{before}"] = state.marks[plugin]
    former.pop(f"{plugin}/{owner}", None)
    owners, marks = _with(state.owners, plugin, owner), _with(state.marks, plugin, mark)
    return _next(state, owners=owners, marks=marks, former=former, clock=max(state.clock, now))


def saw_list(state: TrustState, signer: str, *, sequence: int) -> TrustState:
    """A revocation list that was accepted: an older one by the same signer no longer is."""
    if sequence <= state.lists.get(signer, -1):
        return state
    return _next(state, lists={**state.lists, signer: sequence})


def encode(state: TrustState) -> bytes:
    return strictjson.dumps({"format": _FORMAT, **asdict(state)})


def decode(data: bytes, *, at_least: int = 0) -> TrustState | Refusal:
    """`at_least` is the generation the registry repeats: a file that went back in time is refused."""
    try:
        row = _TABLE.read(strictjson.canonical(data, limit=MAX_BYTES), at="")
        tables = {key: dict(row[key]) for key in ("owners", "marks", "former", "lists")}
        state = TrustState(**tables, clock=row["clock"], generation=row["generation"])
        if set(state.marks) - set(state.owners):
            raise MalformedError("", "a mark has no owner", key="marks")
    except MalformedError as fault:
        refusal = fault.refusal("trust state", code="trust-state-corrupt")
        return replace(refusal, hint="exoctl key recover")
    if state.generation < at_least:
        sentence = f"cannot read trust state: its generation is {state.generation}, the registry's {at_least}"
        return Refusal("trust-state-old", sentence, "exoctl key recover")
    return state


def _next(state: TrustState, **changes: object) -> TrustState:
    return replace(state, **changes, generation=state.generation + 1)  # type: ignore[arg-type]


def _with(table: Mapping[str, str], key: str, value: str) -> dict[str, str]:
    rest = {name: kept for name, kept in table.items() if name != key}
    return rest | {key: value} if value else rest


def _plugin_and_owner(text: str) -> str | None:
    name, slash, owner = text.partition("/")
    return text if slash and is_name(name) and len(owner) == 64 and set(owner) <= set("0123456789abcdef") else None


_FORMAT = "exod-trust-state-1"
_NAME = Checked(is_name, what="a plugin's name")
_FORMER = Parsed(_plugin_and_owner, what="PLUGIN/KEYID")

_TABLE = Table(
    Field("format", Choice(_FORMAT)),
    Field("owners", Named(_NAME, Digits(), most=_ENTRIES_MAX)),
    Field("marks", Named(_NAME, VersionText(), most=_ENTRIES_MAX)),
    Field("clock", Whole(0, TIME_MAX)),
    Field("generation", Whole(0, COUNT_MAX)),
    Field("former", Named(_FORMER, VersionText(), most=_ENTRIES_MAX)),
    Field("lists", Named(Digits(), Whole(0, COUNT_MAX), most=_ENTRIES_MAX)),
)
