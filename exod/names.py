"""Names and addresses that more than one room must spell alike."""

import re

BUS_NAME = "org.exoos.Exod1"
ROOT_PATH = "/org/exoos/Exod1"
VERSION = "0.1.0"
"""`exod.__version__`, for those who may not import that; it cannot come from here: the keeper imports `exod` alone."""
API_LEVEL = 1
"""The plugin API this exod serves; a package asks for a minimum (`api = 1`)."""

PLUGIN_TYPES = (
    "ai-model",
    "web-extension",
    "p2p-protocol",
    "prompt-processor",
    "system-optimizer",
    "device-driver",
    "custom",
)
"""US-004's plugin types; the index is the number on every wire. Extensions start at 64."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
NAME_MAX = 63


def is_name(text: str) -> bool:
    """Whether `text` may name a plugin or a service."""
    return len(text) <= NAME_MAX and _NAME.fullmatch(text) is not None


def path_element(name: str) -> str:
    """`name` as an element of a bus path; reversible because names never contain `_`."""
    return name.replace("-", "_")


def plugin_path(name: str) -> str:
    return f"{ROOT_PATH}/plugin/{path_element(name)}"


def instance_path(instance: int) -> str:
    return f"{ROOT_PATH}/instance/{instance}"


def job_path(job: int) -> str:
    return f"{ROOT_PATH}/job/{job}"


def service_path(plugin: str, service: str) -> str:
    return f"{ROOT_PATH}/service/{path_element(plugin)}/{path_element(service)}"
