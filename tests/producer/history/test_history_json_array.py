"""A JSON array read element by element."""

import io
import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicrec.producer.history import json_array
from musicrec.producer.history.json_array import BrokenFileError, NotAnArrayError, elements

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab"\\{}[],é雨'), inner),
    max_leaves=6,
)


def reading(data: bytes, size: int = 7):
    """Read in small pieces, so that every boundary falls somewhere inside a value."""
    file = io.BytesIO(data)
    return elements(lambda _: file.read(size))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.dictionaries(st.text(), VALUES, max_size=3), max_size=5), st.booleans())
def test_gives_what_json_gives(rows, spaced):
    """Whatever the values and wherever the pieces are cut, the rows come back as they are."""
    text = json.dumps(rows, ensure_ascii=False, indent=2 if spaced else None)
    assert list(reading(text.encode())) == rows


def test_takes_a_byte_order_mark():
    """Files that were opened in an editor begin with one."""
    assert list(reading(b'\xef\xbb\xbf[{"a": 1}]')) == [{"a": 1}]


@pytest.mark.parametrize("data", [b"", b'{"a": 1}', b"<html>", b'"x"'])
def test_names_what_is_no_array(data):
    """Another kind of file is told apart from a broken one."""
    with pytest.raises(NotAnArrayError):
        list(reading(data))


@pytest.mark.parametrize(
    "data",
    [
        b'[{"a": 1}, {"a": ',
        b'[{"a": 1}',
        b'[{"a": 1}, secret]',
        b'[{"a": 1}, {"a": "\xff"}]',
        b'[{"a": 1}, ' + b"[" * 100_000,
    ],
)
def test_gives_what_stands_before_the_break(data):
    """The rows before the first unreadable one are good; the error quotes nothing of the file."""
    taken = []
    with pytest.raises(BrokenFileError) as caught:
        taken.extend(iter(reading(data, 50_000)))
    assert "secret" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_broken_row_is_not_looked_for_in_the_whole_file(monkeypatch):
    """What is no row after so many characters never will be: the rest is not read."""
    monkeypatch.setattr(json_array, "MAX_ROW_CHARACTERS", 1000)
    file = io.BytesIO(b'[{"a": "' + b"x" * 100_000)
    with pytest.raises(BrokenFileError):
        list(elements(lambda _: file.read(100)))
    assert file.tell() < 2000


def test_memory_does_not_grow_with_the_file():
    """Forty times the rows need no more memory."""

    def peak(rows: int) -> int:
        row = json.dumps({"ts": "2021-03-04T05:06:07Z", "name": "x" * 400}).encode()
        parts = iter([b"[", *(row + b",",) * (rows - 1), row, b"]"])
        tracemalloc.start()
        assert sum(1 for _ in elements(lambda _: next(parts, b""))) == rows
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(20_000) < 2 * peak(500) + 500_000
