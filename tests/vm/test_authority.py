"""Who may change plugins: a real polkitd asked for real users, with busctl and exoctl."""

import pytest

from exosdk.testing.vm import CommandFailed, Machine
from tests.vm.exod import Exod, refused, until

RULES = """
polkit.addRule(function (action, subject) {
    if (action.id.indexOf("org.exoos.exod1.") == 0 && subject.user == "denied") { return polkit.Result.NO; }
    return polkit.Result.NOT_HANDLED;
});
"""
EXAMPLE = "/usr/share/doc/exod/examples/exod-admin.rules"


@pytest.fixture
def people(vm: Machine, exod: Exod) -> None:
    """`plain` has no right, `denied` is refused by a rule, `admin` is in the group of the example rules."""
    exod.load("echo")
    vm.run("groupadd exod-admin; useradd plain; useradd denied; useradd --groups exod-admin admin")
    vm.put("/etc/polkit-1/rules.d/10-denied.rules", RULES)
    vm.run(f"cp {EXAMPLE} /etc/polkit-1/rules.d/50-exod-admin.rules; systemctl restart polkit.service")


@pytest.mark.destructive
@pytest.mark.usefixtures("people")
def test_denied_challenged_and_granted_are_told_apart(vm: Machine, exod: Exod) -> None:
    denied = exod.stop("echo", user="denied", interactive=False)
    assert (denied.code, "polkit does not allow uid" in denied.err) == (1, True)
    challenged = exod.stop("echo", user="plain", interactive=False)
    assert (challenged.code, "needs somebody to authenticate" in challenged.err) == (1, True)
    unanswered = exod.stop("echo", user="plain")
    assert (unanswered.code, "polkit does not allow uid" in unanswered.err) == (1, True)
    assert exod.state("echo") == "running"
    granted = exod.stop("echo", user="admin", interactive=False)
    assert (granted.code, '"type":"o"' in granted.out) == (0, True)
    exod.await_state("echo", "loaded")

    with pytest.raises(CommandFailed) as caught:
        exod.ctl("plugin", "start", "echo", user="plain")
    assert caught.value.result.code == 5
    assert "manage-plugins" in refused(caught.value)["sentence"]
    exod.ctl("plugin", "start", "echo", user="admin")
    assert exod.state("echo") == "running"
    assert [row["name"] for row in exod.ctl("plugin", "list", user="plain")] == ["echo"]


@pytest.mark.destructive
@pytest.mark.usefixtures("people")
def test_without_polkit_only_root_may_and_reading_stays_open(vm: Machine, exod: Exod) -> None:
    vm.run("systemctl mask --now polkit.service")
    until(lambda: vm.run("systemctl is-active polkit.service", check=False).out == "inactive\n", "the end of polkit")
    for user in ("plain", "admin"):
        assert exod.stop("echo", user=user).code == 1
    assert exod.state("echo") == "running"
    assert [row["name"] for row in exod.ctl("plugin", "list", user="plain")] == ["echo"]
    exod.ctl("plugin", "stop", "echo")
    assert exod.state("echo") == "loaded"
