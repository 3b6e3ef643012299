"""A package → what the rules need of it: what its manifest asks for, and the files worth looking at."""

from exod.brokers.lint.source import Asked
from exod.package.archive import Tree
from exod.package.manifest import Manifest

OTHER_MAX = 64 << 10
"""Of files that are no Python: those small enough to be a private key."""


def asked(manifest: Manifest) -> Asked:
    paths = tuple(access.path for access in manifest.permissions.filesystem)
    return Asked(frozenset(manifest.permissions.asked()), paths, manifest.limits.tasks)


def worth_reading(tree: Tree) -> dict[str, bytes]:
    return {path: data for path, (data, _) in tree.items() if path.endswith(".py") or len(data) <= OTHER_MAX}
