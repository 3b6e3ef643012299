"""A soak that was cut off goes on with the piece that was not finished."""

from pathlib import Path

from tests.exosdk.ring import soaks


def test_what_was_finished_is_not_done_again(tmp_path: Path) -> None:
    done: list[int] = []

    def work(piece: int) -> soaks.Row:
        done.append(piece)
        return {"piece": piece, "violations": []}

    said: list[str] = []
    soaks.pieces(tmp_path / "rows", [7, 8], work, report=said.append)
    rows = soaks.pieces(tmp_path / "rows", [7, 8, 9], work, report=said.append)
    assert (done, [row["piece"] for row in rows]) == ([7, 8, 9], [7, 8, 9])
    assert said[-1] == "rows: 9: ok"
