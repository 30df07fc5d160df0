import csv
import io

import pyarrow as pa
import pytest
from aws_world import BUCKET
from hypothesis import given
from hypothesis import strategies as st

from musicrec.datasets import csvfile

texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\u2028\u2029\u0085"),
    min_size=1,
)


def parsed(data: bytes) -> list[list[str]]:
    """CSV by the rules of the developer guide."""
    text = io.StringIO(data.decode(), newline="")
    return list(csv.reader(text, escapechar="\\", doublequote=False))


def write_and_break(s3):
    """Fail after a part has been uploaded."""
    with csvfile.S3File(s3, BUCKET, "x.csv") as file:
        file.write(b"x" * 6 * 2**20)
        raise RuntimeError("source broke")


class TestLines:
    @given(st.lists(st.tuples(texts, st.none() | texts), min_size=1, max_size=20))
    def test_text_comes_back_as_it_was(self, rows):
        """Whatever stands in a cell, a reader of the documented format gets it back."""
        table = pa.table(
            {"a": [row[0] for row in rows], "b": pa.array([row[1] for row in rows], pa.string())}
        )
        assert parsed(csvfile.lines(table)) == [[a, b or ""] for a, b in rows]

    @given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=1))
    def test_numbers_keep_every_digit(self, numbers):
        """A float read back from its cell is the same float."""
        table = pa.table({"a": ["x"] * len(numbers), "b": pa.array(numbers, pa.float64())})
        back = [float(cell) if cell else None for _, cell in parsed(csvfile.lines(table))]
        assert back == numbers

    def test_quotes_only_where_needed(self):
        """Plain text stands bare; commas, quotes and backslashes bring quotes."""
        table = pa.table({"a": ["plain", "a,b", 'say "hi"', "back\\slash", "Björk"]})
        assert csvfile.lines(table).decode() == (
            'plain\n"a,b"\n"say \\"hi\\""\n"back\\\\slash"\nBjörk\n'
        )

    def test_of_no_rows_is_empty(self):
        """A table without rows adds nothing to a file."""
        assert csvfile.lines(pa.table({"a": pa.array([], pa.string())})) == b""

    def test_rows_beyond_one_block_are_all_there(self, monkeypatch):
        """Tables longer than what is joined at once lose nothing at the seams."""
        monkeypatch.setattr(csvfile, "_LINE_ROWS", 3)
        table = pa.table({"a": [str(number) for number in range(10)]})
        assert csvfile.lines(table).decode().split() == [str(number) for number in range(10)]


class TestS3File:
    def test_small_file_is_one_object(self, aws):
        """What fits into one part is put at once."""
        with csvfile.S3File(aws.clients.s3, BUCKET, "x.csv") as file:
            file.write(b"a,b\n")
            file.write(b"1,2\n")
            written = file.finish()
        assert (written.changed, written.size) == (True, 8)
        assert aws.read("x.csv") == "a,b\n1,2\n"

    def test_large_file_is_uploaded_in_parts(self, aws, monkeypatch):
        """Content beyond a part's size arrives whole and in order."""
        monkeypatch.setattr(csvfile, "PART_BYTES", 5 * 2**20)
        lines = [b"%07d\n" % number for number in range(1_700_000)]
        with csvfile.S3File(aws.clients.s3, BUCKET, "x.csv") as file:
            for start in range(0, len(lines), 100_000):
                file.write(b"".join(lines[start : start + 100_000]))
            file.finish()
        assert aws.read("x.csv") == b"".join(lines).decode()

    def test_same_content_is_left_alone(self, aws):
        """A file whose digest is that of the standing object is not written."""
        with csvfile.S3File(aws.clients.s3, BUCKET, "x.csv") as file:
            file.write(b"a")
            first = file.finish()
        with csvfile.S3File(aws.clients.s3, BUCKET, "y.csv") as file:
            file.write(b"a")
            second = file.finish(unless_sha256=first.sha256)
        assert not second.changed
        assert "Contents" not in aws.clients.s3.list_objects_v2(Bucket=BUCKET, Prefix="y")

    def test_failure_leaves_nothing_behind(self, aws, monkeypatch):
        """An error in the middle takes back the parts that were uploaded."""
        monkeypatch.setattr(csvfile, "PART_BYTES", 5 * 2**20)
        with pytest.raises(RuntimeError, match="source broke"):
            write_and_break(aws.clients.s3)
        assert "Uploads" not in aws.clients.s3.list_multipart_uploads(Bucket=BUCKET)
        assert "Contents" not in aws.clients.s3.list_objects_v2(Bucket=BUCKET)
