from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptline.data.streams import (
    BYTE_ORDER_MARKS,
    CHUNK,
    BrokenStreamError,
    Coding,
    chunks,
    compression_of,
    is_transparent,
    raw_chunks,
)

Put = Callable[[str, bytes | str], Path]
TEXT = b"".join(b"line %d of a text that repeats itself\n" % number for number in range(20_000))


def drained(stream: Iterator[bytes]) -> tuple[bytes, str]:
    """All that a stream gives, and why it broke off."""
    given = b""
    try:
        for chunk in stream:
            assert chunk, "a piece is never empty"
            given += chunk
    except BrokenStreamError as error:
        return given, str(error)
    return given, ""


def compressed(data: bytes, compression: str) -> bytes:
    if compression == "gzip":
        return gzip.compress(data, mtime=0)
    return zstandard.ZstdCompressor().compress(data) if compression == "zstd" else data


@pytest.mark.parametrize("compression", ["", "gzip", "zstd"])
@pytest.mark.parametrize("size", [0, 1, 1000, len(TEXT), 3 * CHUNK + 7])
def test_gives_back_what_was_compressed(put: Put, compression: str, size: int) -> None:
    data = (TEXT * 6)[:size]
    path = put("file", compressed(data, compression))
    assert compression_of(path) == compression
    assert drained(raw_chunks(path, compression)) == (data, "")


def test_compression_is_told_by_bytes_not_by_name(put: Put) -> None:
    assert compression_of(put("a.gz", b"plain text")) == ""
    assert compression_of(put("a.txt", gzip.compress(b"x"))) == "gzip"


def test_members_of_a_gzip_file_follow_each_other(put: Put) -> None:
    path = put("a.gz", gzip.compress(b"one\n") + gzip.compress(b"two\n") + b"\0" * 512)
    assert drained(raw_chunks(path, "gzip")) == (b"one\ntwo\n", "")


def test_frames_of_a_zstd_file_follow_each_other(put: Put) -> None:
    frame = zstandard.ZstdCompressor().compress
    path = put("a.zst", frame(b"one\n") + frame(b"two\n"))
    assert drained(raw_chunks(path, "zstd")) == (b"one\ntwo\n", "")


def test_reads_zstd_with_a_long_window(put: Put) -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=28)
    with zstandard.ZstdCompressor(compression_params=parameters).stream_writer(put("a.zst", b"").open("wb")) as file:
        file.write(TEXT)
    path = put("b.zst", zstandard.ZstdCompressor(compression_params=parameters).compress(TEXT))
    assert drained(raw_chunks(path, "zstd")) == (TEXT, "")


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_truncated_file_gives_all_before_the_break(put: Put, compression: str) -> None:
    whole = compressed(TEXT, compression)
    path = put("cut", whole[: len(whole) // 2])
    given, broken = drained(raw_chunks(path, compression))
    assert broken == f"the {compression} stream ends early"
    assert TEXT.startswith(given)
    assert len(given) > len(TEXT) // 4


@settings(max_examples=40, deadline=None)
@given(data=st.binary(max_size=5000), keep=st.floats(0, 1, exclude_max=True))
def test_any_truncation_of_gzip_is_noticed_and_gives_a_prefix(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, keep: float
) -> None:
    whole = gzip.compress(data, mtime=0)
    path = tmp_path_factory.mktemp("gzip") / "cut.gz"
    path.write_bytes(whole[: int(len(whole) * keep)])
    given_back, broken = drained(raw_chunks(path, "gzip"))
    assert broken == "the gzip stream ends early"
    assert data.startswith(given_back)


def test_damage_inside_loses_nothing_before_it(put: Put) -> None:
    member = zlib.compressobj(wbits=31)
    before = member.compress(TEXT) + member.flush(zlib.Z_FULL_FLUSH)  # ends on a byte
    path = put("a.gz", before + b"\xff" * 2000)  # a block of the type that does not exist
    given, broken = drained(raw_chunks(path, "gzip"))
    assert given == TEXT
    assert broken.startswith("the gzip stream is damaged")


def test_a_checksum_that_does_not_fit_is_damage(put: Put) -> None:
    whole = bytearray(gzip.compress(TEXT, mtime=0))
    whole[-8] ^= 0xFF
    given, broken = drained(raw_chunks(put("a.gz", bytes(whole)), "gzip"))
    assert (given, "incorrect data check" in broken) == (TEXT, True)


def test_garbage_behind_a_member_is_damage_after_its_data(put: Put) -> None:
    given, broken = drained(raw_chunks(put("a.gz", gzip.compress(b"good\n") + b"garbage"), "gzip"))
    assert given == b"good\n"
    assert broken.startswith("the gzip stream is damaged")


def test_damaged_zstd_is_noticed(put: Put) -> None:
    whole = bytearray(zstandard.ZstdCompressor(write_checksum=True).compress(TEXT))
    whole[-1] ^= 0xFF
    assert drained(raw_chunks(put("a.zst", bytes(whole)), "zstd"))[1].startswith("the zstd stream is damaged")


@pytest.mark.parametrize(("mark", "encoding"), list(BYTE_ORDER_MARKS.items()))
def test_a_byte_order_mark_is_no_text(put: Put, mark: bytes, encoding: str) -> None:
    text = "héllo\nψ\n日本\n"
    path = put("a.txt", mark + text.encode(encoding))
    assert drained(chunks(path, Coding(encoding, mark))) == (text.encode(), "")


def test_a_file_of_a_mark_alone_has_no_text(put: Put) -> None:
    assert drained(chunks(put("a.txt", codecs.BOM_UTF8), Coding("utf-8", codecs.BOM_UTF8))) == (b"", "")


@pytest.mark.parametrize(
    ("encoding", "transparent"),
    [
        ("utf-8", True),
        ("ascii", True),
        ("cp1252", True),
        ("latin-1", True),
        ("koi8-r", True),
        ("utf-16-le", False),
        ("utf-32", False),
        ("shift_jis", False),
        ("gb18030", False),
        ("cp037", False),
        ("iso2022_jp", False),
        ("utf-7", False),
        ("big5", False),
    ],
)
def test_transparent_encodings_keep_ascii_bytes_ascii(encoding: str, transparent: bool) -> None:
    assert is_transparent(encoding) is transparent
    assert Coding(encoding).of_stream == (encoding if transparent else "utf-8")


def test_a_recoded_stream_survives_characters_across_pieces(put: Put) -> None:
    text = "日本語のテキスト\n" * 200_000
    path = put("a.txt", text.encode("shift_jis"))
    assert path.stat().st_size > 2 * CHUNK
    assert drained(chunks(path, Coding("shift_jis"))) == (text.encode(), "")


@pytest.mark.parametrize(
    ("encoding", "data"), [("utf-16-le", b"a\0\x3d\xd8\n\0b\0"), ("shift_jis", b"a\x82\nb"), ("utf-16-le", b"a\0b")]
)
def test_what_cannot_be_recoded_is_invalid_in_the_stream_too(put: Put, encoding: str, data: bytes) -> None:
    stream, _ = drained(chunks(put("a.txt", data), Coding(encoding)))
    assert stream.startswith(b"a")
    with pytest.raises(UnicodeDecodeError):
        stream.decode()


def test_lines_that_end_with_carriage_returns_alone_end_with_line_feeds(put: Put) -> None:
    assert drained(chunks(put("a.txt", b"one\rtwo\r"), Coding(mac=True))) == (b"one\ntwo\n", "")


@pytest.mark.parametrize(
    ("coding", "in_place"),
    [
        (Coding(), True),
        (Coding(bom=codecs.BOM_UTF8), True),
        (Coding(compression="gzip"), False),
        (Coding("utf-16-le"), False),
        (Coding("cp1252"), True),
    ],
)
def test_only_plain_bytes_are_read_in_place(coding: Coding, in_place: bool) -> None:
    assert coding.in_place is in_place
