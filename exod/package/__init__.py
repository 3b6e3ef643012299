"""Bytes of a package file → Package, or a Refusal that says which part is wrong. Pure: bytes come in as arguments.

Refuses every input with two readings: what is not in canonical form, unknown keys, sizes over their cap.
Knows nothing of keys and trust: a Package is well formed and agrees with itself; `exod.trust` says who answers for it.
"""

from exod.package.package import Package, parse

__all__ = ["Package", "parse"]
