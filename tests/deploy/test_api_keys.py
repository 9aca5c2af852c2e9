from __future__ import annotations

from pathlib import Path

import pytest

from adaptline.deploy import api_keys, asking
from adaptline.errors import UserError


def test_keys_are_known_by_their_hash(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    ann, bob = (api_keys.add(path, name) for name in ("ann", "bob"))
    path.write_text("# who may ask\n\n" + path.read_text().replace("\n", "  # since May\n"))
    keys = api_keys.read(path)
    assert (keys.name_of(ann), keys.name_of(bob)) == ("ann", "bob")
    for wrong in ("", "al-", ann[:-1], ann + " ", "\ud800", "ü"):
        assert keys.name_of(wrong) is None


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    line = "a " + "0" * 64 + "\n"
    for text in ("", "# none\n", "a\n", "a 0\n", line * 2, line.replace("a", "a b")):
        path.write_text(text)
        with pytest.raises(UserError):
            api_keys.read(path)
    with pytest.raises(UserError, match="no such file"):
        api_keys.read(tmp_path / "nothing")
    with pytest.raises(UserError):
        api_keys.read(tmp_path)


def test_how_a_key_is_sent() -> None:
    assert asking.key_of(b"Bearer abc") == "abc"
    assert asking.key_of(b"bearer  abc ") == "abc"
    assert asking.key_of(b"Basic YW55OmFiYw==") == "abc"
    for wrong in (b"", b"abc", b"Bearer", b"Bearer ", b"Basic ?", b"Basic YW55", b"Digest abc"):
        assert asking.key_of(wrong) is None
