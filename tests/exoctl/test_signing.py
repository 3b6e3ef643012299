from exoctl.signing import Order


def test_several_keys_are_said_together() -> None:
    assert Order(("a", "b"), False, None, None, None, None).key == "a and b"
