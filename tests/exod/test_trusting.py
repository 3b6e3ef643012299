"""The administrator's files on a real disk, and packages judged by them."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from exoctl import trustfiles
from exod.errors import Refusal
from exod.package import Package
from exod.supervisor.material import Judged, Today
from exod.supervisor.ports import TrustInputs
from exod.trust.levels import DEFAULTS, NOTHING
from exod.trust.state import TrustState
from exod.trust.verify import Leave
from exod.trusting import EtcTrust, PackageGate
from tests.builders import NOW, anchor_for, key, signed_package


@pytest.fixture
def config(tmp_path: Path) -> Path:
    for place in ("trust.d", "plugins.d"):
        (tmp_path / "etc" / place).mkdir(mode=0o700, parents=True)
    return tmp_path / "etc"


async def read(config: Path, *, development: bool = False) -> TrustInputs:
    return await EtcTrust(config, development=development).read(state=TrustState())


def gate(*, development: bool = False) -> PackageGate:
    return PackageGate(development=development)


def judge(gate: PackageGate, data: bytes, inputs: TrustInputs, *, strict: bool = False) -> Judged | Refusal:
    package = gate.parse(data)
    assert isinstance(package, Package)
    return gate.judge(data, package, today=Today(inputs, TrustState(), NOW, strict=strict), leave=Leave())


async def test_no_files_trust_nobody(config: Path) -> None:
    found = await read(config.parent / "nothing")
    assert (found.anchors, found.policies, found.problems) == ((), {}, ())


async def test_an_anchor_and_a_policy_are_read(config: Path) -> None:
    (config / "trust.d/vendor.toml").write_bytes(trustfiles.anchor_file(anchor_for()))
    (config / "plugins.d/hello.toml").write_text("critical = true\n")
    found = await read(config)
    assert found.problems == ()
    assert [anchor.name for anchor in found.anchors] == ["vendor"]
    assert found.policies["hello"].critical


async def test_a_bad_file_is_a_problem_and_takes_nothing_else_with_it(config: Path) -> None:
    (config / "trust.d/vendor.toml").write_bytes(trustfiles.anchor_file(anchor_for()))
    (config / "trust.d/bad.toml").write_text("surprise = 1\n")
    (config / "trust.d/theirs.toml").write_bytes(trustfiles.anchor_file(anchor_for(name="theirs")))
    os.chown(config / "trust.d/theirs.toml", 1234, 0)
    (config / "plugins.d/hello.toml").write_text("critical = 3\n")
    (config / "plugins.d/other.toml").write_text("critical = true\n")
    found = await read(config)
    assert [anchor.name for anchor in found.anchors] == ["vendor"]
    assert list(found.policies) == ["other"]
    assert len(found.problems) == 3
    assert all(problem.sentence.startswith("cannot ") for problem in found.problems)


async def test_a_trusted_package_is_judged_with_the_reasons_and_the_tree(config: Path) -> None:
    (config / "trust.d/vendor.toml").write_bytes(trustfiles.anchor_file(anchor_for()))
    data = signed_package()
    judged = judge(gate(), data, await read(config))
    assert isinstance(judged, Judged)
    assert (judged.manifest.name, judged.verdict.signer, judged.anchor) == ("hello", key().key_id, "vendor")
    assert judged.data is data
    assert judged.reasons
    assert "code/hello.py" in judged.tree
    assert judged.keeps_data


async def test_a_stranger_s_package_is_refused(config: Path) -> None:
    refusal = judge(gate(), signed_package(key("stranger")), await read(config))
    assert isinstance(refusal, Refusal)
    assert refusal.code == "signer-unknown"


async def test_without_a_revocation_list_nothing_passes_where_one_is_required() -> None:
    inputs = TrustInputs(anchors=(anchor_for(),), revocations=(await read(Path("/nonexistent"))).revocations)
    assert isinstance(judge(gate(), signed_package(), inputs), Judged)
    refusal = judge(gate(), signed_package(), inputs, strict=True)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "revocation-stale"


def test_bytes_that_are_no_package_are_refused() -> None:
    assert isinstance(gate().parse(b"no"), Refusal)


def test_a_manifest_is_the_package_s_own() -> None:
    package = gate().parse(signed_package())
    assert isinstance(package, Package)
    assert gate().manifest(package) is package.manifest


async def test_levels_that_others_may_write_are_no_levels_that_nobody_wrote(config: Path) -> None:
    (config / "trust.d/vendor.toml").write_bytes(trustfiles.anchor_file(anchor_for()))
    assert (await read(config)).levels == DEFAULTS
    file = config / "trust.d/levels.toml"
    file.write_text("[vendor]\nprocesses = false\n")
    found = await read(config)
    data = signed_package(more="[sandbox]\nprocesses = true\n")
    refused = judge(gate(), data, found)
    assert isinstance(refused, Refusal)
    assert refused.code == "above-level"
    for spoil in (lambda: file.chmod(0o666), lambda: file.write_bytes(b"#" * (1 << 20))):
        spoil()
        found = await read(config)
        assert (found.levels, len(found.anchors)) == (NOTHING, 1)
        assert str(file) in found.problems[0].sentence
        file.chmod(0o600)
    file.unlink()
    assert isinstance(judge(gate(), data, await read(config)), Judged)


SPOILT = {
    "no TOML": lambda file: file.write_text("deny = [\n"),
    "misspelt": lambda file: file.write_text("# so\ndney = []\n"),
    "too large": lambda file: file.write_bytes(b"#" * (1 << 20)),
    "for others to write": lambda file: file.chmod(0o666),
    "another's": lambda file: os.chown(file, 1234, 0),
    "a link": lambda file: (file.unlink(), file.symlink_to("/dev/null")),
    "a directory": lambda file: (file.unlink(), file.mkdir()),
}


@pytest.mark.parametrize("how", SPOILT)
@pytest.mark.parametrize("place", ["plugins.d/hello.toml", "trust.d/revoked.toml"])
async def test_what_may_have_taken_something_away_is_told_apart_when_it_cannot_be_read(
    config: Path, place: str, how: str
) -> None:
    file = config / place
    file.touch(mode=0o600)
    (config / "plugins.d/other.toml").write_text("critical = true\n")
    assert (await read(config)).unread == {}
    SPOILT[how](file)
    found = await read(config)
    [(name, problem)] = found.unread.items()
    assert name == {"hello.toml": "hello"}.get(file.name, file.name)
    assert (list(found.policies), problem in found.problems) == (["other"], True)
    assert file.name in problem.sentence


async def test_what_is_so_of_the_directory_is_so_of_every_policy_in_it(config: Path) -> None:
    (config / "plugins.d/other.toml").write_text("critical = true\n")
    (config / "plugins.d").chmod(0o777)
    found = await read(config)
    assert (list(found.policies), list(found.unread)) == ([], ["plugins.d"])


def test_anchors_are_listed_key_by_key() -> None:
    both = anchor_for(key("one"), key("two"), name="both", scope=("hello", "lab-*"), expires=NOW)
    rows = gate().anchors(replace(TrustInputs(), anchors=(both, anchor_for(name="ever"))))
    assert [(row["name"], row["key"], row["expires"]) for row in rows] == [
        ("both", key("one").key_id, str(NOW)),
        ("both", key("two").key_id, str(NOW)),
        ("ever", key().key_id, ""),
    ]
    assert all(isinstance(value, str) for row in rows for value in row.values())
