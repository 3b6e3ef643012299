"""Where things lie, for production and for development."""

from dataclasses import fields
from pathlib import Path

from exod import layout


def places(chosen: layout.Layout) -> list[str]:
    return [str(value) for row in fields(chosen) if isinstance(value := getattr(chosen, row.name), Path)]


def test_production_lies_where_the_host_expects_it() -> None:
    assert places(layout.production()) == ["/etc/exod", "/var/lib/exod", "/run/exod", "/var/log/exod"]
    assert layout.production().bus == "unix:path=/run/dbus/system_bus_socket"
    assert not layout.production().development


def test_development_lies_in_its_directory_and_nowhere_else() -> None:
    chosen = layout.development(Path("/tmp/d"))
    assert places(chosen) == ["/tmp/d/etc", "/tmp/d/lib", "/tmp/d/run", "/tmp/d/log"]
    assert chosen.bus == "unix:path=/tmp/d/run/bus"
    assert chosen.development
