import pytest

from exoctl import keyfiles
from exod.errors import Refused
from tests.exoctl.conftest import PHRASE, Key


def test_a_key_comes_back_as_it_was_written(key: Key) -> None:
    assert keyfiles.read(str(key.private), passphrase=PHRASE).key_id == key.id
    assert keyfiles.read_public(str(key.public)).key_id == key.id


def test_a_private_key_that_others_may_read_is_not_used(key: Key) -> None:
    key.private.chmod(0o644)
    with pytest.raises(Refused, match="others own it or may read it"):
        keyfiles.read(str(key.private), passphrase=PHRASE)


@pytest.mark.parametrize("text", ["", "exod-hybrid-1:", "\xff\xfe", "exod-hybrid-1:AAAA"])
def test_what_is_no_public_key_is_refused(key: Key, text: str) -> None:
    key.public.write_text(text)
    with pytest.raises(Refused):
        keyfiles.read_public(str(key.public))
