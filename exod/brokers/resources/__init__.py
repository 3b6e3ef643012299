"""Limits of a manifest and what an instance uses → what the kernel is told, warnings, and the verdict that ends it.

Grants what a package asks for in `[limits]`, no more; refuses nothing before it is used. `rules` decides, `facts` and
`storage` read the host, `monitor` looks at everything once a second. May use the kernel's files, and nobody's process.
"""
