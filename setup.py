"""The C extensions; everything else is in setup.cfg."""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "exod.sandbox._spawn",
            ["exod/sandbox/_spawn.c", "exod/sandbox/_walls.c", "exod/sandbox/_idmap.c"],
            depends=["exod/sandbox/_walls.h", "exod/sandbox/_idmap.h"],
            extra_compile_args=["-O2", "-fvisibility=hidden", "-Wall", "-Wextra"],
        )
    ]
)
