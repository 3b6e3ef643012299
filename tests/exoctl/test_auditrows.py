from exoctl.auditrows import cells

ROW = {"seq": 7, "time": 1_700_000_000.5, "source": "exod", "event": "refused", "fields": {}}


def test_the_sentence_comes_first_and_what_is_empty_is_left_out() -> None:
    fields = {"caller": ":1.7", "code": "no", "hint": "try", "sentence": "cannot: no", "plugin": ""}
    assert cells(ROW | {"fields": fields}) == (
        "2023-11-14 22:13:20Z", "7", "exod", "refused", "cannot: no caller=:1.7",
    )  # fmt: skip


def test_what_is_no_record_has_its_text_only() -> None:
    assert cells({"text": "rubbish"})[3:] == ("no record", "rubbish")
