"""What a plugin imports by name."""

import subprocess
import sys

import pytest

import exosdk
from exosdk.context import Context
from exosdk.hooks import hookimpl
from exosdk.timers import Timer


def test_its_names_are_those_of_their_modules() -> None:
    assert (exosdk.Context, exosdk.hookimpl, exosdk.Timer) == (Context, hookimpl, Timer)
    assert set(exosdk.__all__) == {"Context", "Timer", "hookimpl"}


def test_a_name_it_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Plugin'"):
        exosdk.Plugin  # noqa: B018


def test_the_frames_alone_bring_no_plugin_side_with_them() -> None:
    source = "import sys, exosdk.wire; print(sorted(name for name in sys.modules if name.startswith('exosdk')))"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['exosdk', 'exosdk.nesting', 'exosdk.signature', 'exosdk.wire']"
