"""The C extensions; everything else is in setup.cfg."""

from setuptools import Extension, setup

C = ["-O2", "-fvisibility=hidden", "-Wall", "-Wextra"]

setup(
    ext_modules=[
        Extension(
            "exod.sandbox._spawn",
            [f"exod/sandbox/_{name}.c" for name in ("spawn", "walls", "lean", "idmap")],
            depends=[f"exod/sandbox/_{name}.h" for name in ("walls", "lean", "idmap")],
            extra_compile_args=C,
        ),
        Extension(
            "exosdk.ring._ring",
            [f"exosdk/ring/_{name}.c" for name in ("ring", "loan", "mapping", "doorbell")],
            depends=[f"exosdk/ring/_{name}.h" for name in ("probe", "core", "bell", "arena", "end")],
            extra_compile_args=C,
        ),
    ]
)
