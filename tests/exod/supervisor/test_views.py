"""Views have the names of the bus properties, and are made when they are looked at."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import fields
from importlib import resources

import pytest

from exod.dbus.instance import USED
from exod.supervisor.views import InstanceView, JobView, PluginView, Views


def properties(interface: str) -> set[str]:
    text = (resources.files("exod.dbus") / "interfaces" / f"org.exoos.Exod1.{interface}.xml").read_text()
    names = [node.attrib["name"] for node in ElementTree.fromstring(text).iter("property")]
    return {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in names}


@pytest.mark.parametrize(("view", "interface"), [(PluginView, "Plugin"), (InstanceView, "Instance"), (JobView, "Job")])
def test_the_fields_of_a_view_are_the_properties_of_its_interface(view: type, interface: str) -> None:
    names = {field.name for field in fields(view)}
    if "usage" in names:
        names = names - {"usage"} | USED
    assert names == properties(interface)


def test_a_view_is_made_at_each_look() -> None:
    table = {1: "one"}
    views: Views[int, str] = Views(lambda: table, lambda key: table[key].upper())
    assert (list(views), len(views), views[1]) == ([1], 1, "ONE")
    table[1] = "two"
    assert views[1] == "TWO"
    assert views.get(2) is None
