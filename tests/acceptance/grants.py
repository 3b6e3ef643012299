"""The catalogue of what can be granted: which tests show that it works, is refused without, and goes when taken back.

`table` is what docs/systems/sandbox.md shows of it.
"""

from dataclasses import dataclass

_FILES = "tests/security/test_t36_file_grants.py::"
_LIVE = "tests/acceptance/test_grants.py::test_a_grant_works_and_is_gone_when_it_was_taken_back_live"
_CONFIG = "tests/exod/brokers/config/test_steps.py::"
_NETWORK = "tests/exod/brokers/network/test_steps.py::"
_MESSAGES = "tests/acceptance/test_messages.py::"
_OWN = "tests/acceptance/test_own_network.py::"
_RELOAD = "tests/exod/supervisor/test_reload.py::"


@dataclass(frozen=True, slots=True)
class Grant:
    entry: str
    works: str
    refused: str
    revoked: str
    then: str


RESTART = "the instance is ended, and started again without it"
NEXT_USE = "refused at the next use"

CATALOGUE = (
    Grant(
        "filesystem read-only",
        _FILES + "test_a_granted_directory_is_read_and_nothing_beside_it",
        _FILES + "test_what_is_not_granted_is_not_there",
        _LIVE,
        RESTART,
    ),
    Grant(
        "filesystem read-write",
        _FILES + "test_what_is_written_belongs_to_the_owner_of_the_grant",
        _FILES + "test_a_granted_directory_that_is_read_is_not_written",
        _LIVE,
        RESTART,
    ),
    Grant(
        "processes",
        "tests/exod/sandbox/test_processes.py::test_a_process_of_its_own_runs_and_is_waited_for",
        "tests/exod/sandbox/test_processes.py::test_without_the_grant_nothing_is_forked",
        _LIVE,
        RESTART,
    ),
    Grant(
        "native",
        "tests/exod/sandbox/test_native.py::test_a_module_of_the_package_is_loaded_and_runs",
        "tests/exod/sandbox/test_native.py::test_without_the_grant_no_machine_code_is_loaded",
        _LIVE,
        RESTART,
    ),
    Grant(
        "ipc",
        _MESSAGES + "test_a_message_arrives_with_its_sender_type_and_priority",
        _MESSAGES + "test_without_the_others_name_there_is_no_link",
        _MESSAGES + "test_a_permission_that_goes_takes_the_links_with_it",
        RESTART,
    ),
    Grant(
        "config",
        _CONFIG + "test_a_plugin_reads_writes_and_is_refused_over_its_channel",
        _CONFIG + "test_what_is_not_held_is_refused_and_audited",
        _LIVE,
        NEXT_USE,
    ),
    Grant(
        "network tcp",
        _NETWORK + "test_a_plugin_is_connected_over_its_channel_and_talks",
        _NETWORK + "test_a_plugin_without_the_grant_is_told_why",
        "tests/acceptance/test_grants.py::test_an_open_connection_ends_when_it_was_taken_back_live",
        RESTART,
    ),
    Grant(
        "network listen, udp",
        _OWN + "test_a_server_is_reached_at_the_address_that_is_shown_and_sends_where_it_may",
        _OWN + "test_what_was_not_granted_is_refused_in_the_instance",
        _OWN + "test_a_network_of_its_own_is_gone_when_it_was_taken_back_live",
        RESTART,
    ),
    Grant(
        "custom",
        "tests/exod/plan/test_confine.py::test_a_custom_permission_is_a_name_that_others_ask_for",
        _RELOAD + "test_what_exod_itself_answers_for_is_gone_at_the_next_use_and_nothing_is_restarted",
        _RELOAD + "test_what_exod_itself_answers_for_is_gone_at_the_next_use_and_nothing_is_restarted",
        NEXT_USE,
    ),
    Grant(
        "acl",
        "tests/exod/dbus/test_authority.py::test_every_rule_of_several_has_to_hold",
        "tests/exod/plan/test_confine.py::test_an_acl_never_opens_what_the_package_closed",
        _RELOAD + "test_an_acl_holds_from_the_next_call_on_and_goes_as_it_came",
        "from the next call on",
    ),
)


def table() -> str:
    rows = [
        f"| `{one.entry}` | {_link(one.works)} | {_link(one.refused)} | {one.then}: {_link(one.revoked)} |"
        for one in CATALOGUE
    ]
    return "\n".join(["| grant | works | refused without | taken back live |", "|---|---|---|---|", *rows])


def _link(test: str) -> str:
    path, _, name = test.partition("::")
    return f"[{name.removeprefix('test_').replace('_', ' ')}](../../{path})"
