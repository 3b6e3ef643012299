"""Manual pages, from the sources that `--help`, exod.toml and the manifest's schema come from → roff.

Writes nothing into the tree: the package is built with `python -m docs.man DIRECTORY`.
"""
