"""A manifest's entry and services → the plugin's object with its hooks known, or `UnusableError` with code and reason.

Runs plugin code: only inside a sandbox, or in a test of that plugin. What differs from the manifest is refused here,
before the plugin is loaded, instead of at the first call.
"""

from collections.abc import Iterable

import pluggy

from exosdk import hooks, wire
from exosdk.arity import accepts, annotations
from exosdk.context import Context
from exosdk.signature import python_type, snake_case, split

_BUILTINS = frozenset({"int", "bool", "float", "str", "bytes"})


class UnusableError(Exception):
    """Why the plugin cannot be used; `code` is kebab-case, the sentence follows a colon."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def load(entry: str) -> type:
    """Import `MODULE:CLASS` from sys.path."""
    module_name, _, class_name = entry.partition(":")
    try:
        module = __import__(module_name, fromlist=[class_name])
    except Exception as error:
        raise UnusableError("entry-not-importable", f"importing {module_name} raised {_told(error)}") from error
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        raise UnusableError("entry-not-a-class", f"{module_name} has no class {class_name}")
    return found


def make(plugin_class: type, *, context: Context) -> object:
    """The class may take the context or nothing."""
    try:
        arguments = (context,) if accepts(plugin_class, 1) else ()
        plugin: object = plugin_class(*arguments)
    except Exception as error:
        raise UnusableError(
            "entry-raised", f"{plugin_class.__name__} raised {_told(error)} when it was made"
        ) from error
    return plugin


def register(manager: hooks.Manager, plugin: object, *, plugin_type: str) -> tuple[str, ...]:
    """The names of the hooks it implements."""
    try:
        manager.register(plugin)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        raise UnusableError("hook-unknown", " ".join(str(error).split())) from None
    names = sorted(caller.name for caller in manager.get_hookcallers(plugin) or ())
    foreign = [name for name in names if name not in hooks.allowed(plugin_type)]
    if foreign:
        raise UnusableError("hook-of-another-type", f"a plugin of type {plugin_type} has no hook {', '.join(foreign)}")
    return tuple(names)


def check(plugin: object, services: Iterable[wire.Service]) -> None:
    """Every declared member exists, once, with the declared arity and, where annotated with builtins, types."""
    seen: dict[str, str] = {}
    for service in services:
        for name in _members(service):
            if seen.setdefault(name, service.name) != service.name:
                raise UnusableError("member-twice", f"services {seen[name]} and {service.name} both have {name}")
        for method in service.methods:
            _check_method(plugin, method, service=service.name)
        for declared in service.properties:
            _check_property(plugin, declared, service=service.name)


def _members(service: wire.Service) -> list[str]:
    methods, signals = [one.name for one in service.methods], [one.name for one in service.signals]
    return methods + signals + [one.name for one in service.properties]


def _check_method(plugin: object, method: wire.Method, *, service: str) -> None:
    name, types = snake_case(method.name), split(method.arguments)
    where = f"method {name} for {method.name} of service {service}"
    function = getattr(type(plugin), name, None)
    if not callable(function):
        raise UnusableError("method-missing", f"the plugin has no {where}")
    bound = getattr(plugin, name)
    if not accepts(bound, len(types)):
        raise UnusableError(
            "method-differs", f"{where} does not take the {len(types)} arguments that the manifest declares"
        )
    for (parameter, stated), declared in zip(annotations(bound), types, strict=False):
        wanted = python_type(declared)
        if wanted and stated in _BUILTINS and stated != wanted:
            raise UnusableError("method-differs", f"{where} takes {parameter} as {stated}, declared is {declared}")


def _check_property(plugin: object, declared: wire.Property, *, service: str) -> None:
    name = snake_case(declared.name)
    where = f"attribute {name} for {declared.name} of service {service}"
    if not hasattr(type(plugin), name) and name not in getattr(plugin, "__dict__", {}):
        raise UnusableError("property-missing", f"the plugin has no {where}")
    on_class = getattr(type(plugin), name, None)
    if declared.access == "readwrite" and isinstance(on_class, property) and on_class.fset is None:
        raise UnusableError("property-differs", f"{where} is declared readwrite and has no setter")


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(text(error).split())}"


def text(error: BaseException) -> str:
    """The exception's own words, at most 500 characters, whatever its `__str__` does."""
    try:
        return str(error)[:500]
    except Exception:
        return "(its text cannot be read)"
