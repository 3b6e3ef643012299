"""What lies on a host of the networks of one range: its links, its table of rules; and what takes them away."""

from ipaddress import IPv4Network

from exod.brokers.network.own import link, rules, table
from exod.brokers.network.own.netlink import NETFILTER, ROUTE, ask, opened
from exod.errors import Refusal


def links(said: str) -> list[str]:
    """`said`: the range as exod.toml spells it."""
    network = rules.range_of(said)
    if isinstance(network, Refusal):
        return []
    return [name for name, _ in link.links() if rules.place(network, name) is not None]


def has_table(said: str) -> bool:
    """Raises PermissionError without CAP_NET_ADMIN, and OSError of a kernel without nf_tables."""
    network = rules.range_of(said)
    with opened(NETFILTER) as end:
        return not isinstance(network, Refusal) and rules.table(network) in table.names(end)


def remove(said: str) -> None:
    """Links first: none is ever without rules."""
    network = rules.range_of(said)
    if isinstance(network, Refusal):
        return
    with opened(ROUTE) as route, opened(NETFILTER) as filters:
        for name in links(said):
            ask(route, link.removed(name), what=f"remove {name}")
        ask(filters, table.ours(rules.table(network), (), network=network, visitors=None), what="nf_tables")


def try_out() -> None:
    """Where nothing is that could be harmed: a wire and both its tables, in the caller's own network namespace. Raises
    OSError of what this kernel cannot do.
    """
    network = IPv4Network("10.0.0.0/8")
    chosen = rules.policy(["listen:tcp:8080", "udp:192.0.2.1:53"]) or rules.Policy()
    wire = rules.wire(network, 0, instance=1, chosen=chosen)
    with opened(ROUTE) as route, opened(NETFILTER) as filters:
        ask(filters, table.ours("exod", [wire], network=network, visitors=None), what="nf_tables")
        ask(filters, table.theirs("exod_theirs", chosen), what="nf_tables")
        ask(route, link.made(wire), what="veth")
