"""echo, in this process: what it answers, keeps and refuses."""

import os
from pathlib import Path

import pytest

from exosdk.testing import InProcess

HERE = Path(__file__).parents[1]


def test_it_says_again_what_it_is_told() -> None:
    with InProcess(HERE) as echo:
        echo.start()
        assert echo.call("Echo", "hello") == "hello"


def test_a_signal_and_the_new_count_follow_each_echo() -> None:
    with InProcess(HERE) as echo:
        echo.start()
        echo.call("Echo", "hello")
        assert echo.signals == [("Echoed", ["hello"])]
        assert echo.changes == [{"Count": 1}]


def test_the_prefix_changes_while_it_runs() -> None:
    with InProcess(HERE) as echo:
        echo.start()
        echo.configure(prefix="> ")
        assert echo.call("Echo", "hello") == "> hello"
        assert "the prefix is now '> '" in echo.log


def test_the_volume_is_how_often_a_text_is_repeated() -> None:
    with InProcess(HERE) as echo:
        echo.set("Volume", 2)
        assert echo.call("Echo", "hi") == "hi hi"
        assert {"Volume": 2} in echo.changes


@pytest.mark.parametrize("volume", [0, 11])
def test_a_volume_out_of_range_is_refused(volume: int) -> None:
    with InProcess(HERE) as echo, pytest.raises(ValueError, match="1 to 10"):
        echo.set("Volume", volume)


def test_notes_and_count_survive_in_the_state_directory(tmp_path: Path) -> None:
    with InProcess(HERE, state_dir=tmp_path) as echo:
        echo.start()
        echo.call("Echo", "hello")
        echo.call("Remember", "milk", "two litres")
        echo.stop()
    with InProcess(HERE, state_dir=tmp_path) as echo:
        echo.start()
        assert echo.call("Recall", "milk") == "two litres"
        assert echo.get("Count") == 1
    assert os.listdir(tmp_path) == ["echo.json"]


def test_the_next_version_is_given_what_this_one_exports() -> None:
    with InProcess(HERE) as old, InProcess(HERE) as new:
        old.call("Remember", "milk", "two litres")
        new.hook("import_state", state=old.hook("export_state"))
        assert new.call("Recall", "milk") == "two litres"


def test_it_keeps_no_more_notes_than_its_setting_says() -> None:
    with InProcess(HERE, config={"notes": 1}) as echo:
        echo.call("Remember", "one", "1")
        echo.call("Remember", "one", "again")
        with pytest.raises(ValueError, match="kept already"):
            echo.call("Remember", "two", "2")


def test_an_unknown_note_is_an_error_of_that_call() -> None:
    with InProcess(HERE) as echo, pytest.raises(KeyError):
        echo.call("Recall", "nothing")


def test_without_a_state_directory_it_says_that_nothing_is_kept(tmp_path: Path) -> None:
    with InProcess(HERE) as echo:
        assert "nothing is kept" in echo.hook("health")
    with InProcess(HERE, state_dir=tmp_path) as echo:
        assert echo.hook("health") == ""
