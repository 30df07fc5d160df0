"""Raw files of any layout, read as dictionaries."""

import io

import pyarrow as pa
import pyarrow.parquet as pq

from musicrec.processor import encoding

PLAIN = pa.schema(
    [
        ("user_id", pa.string()),
        ("occurred_at", pa.int64()),
        (
            "track",
            pa.struct(
                [("name", pa.string()), ("artists", pa.list_(pa.string())), ("album", pa.string())]
            ),
        ),
    ]
)
ROWS = [
    {
        "user_id": "a",
        "occurred_at": 1,
        "track": {"name": "x", "artists": ["b", None], "album": None},
    },
    {"user_id": None, "occurred_at": 2, "track": None},
    {"user_id": "a", "occurred_at": 3, "track": {"name": None, "artists": None, "album": "y"}},
]


def file(rows=ROWS, schema=PLAIN, **options):
    body = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), body, **options)
    return body.getvalue()


class TestRead:
    def test_rows_are_those_of_the_file(self):
        """Texts inside lists and structs are dictionaries, and every cell is what it was."""
        table = encoding.read(file(), encoding.encoded(PLAIN))
        assert table.to_pylist() == ROWS
        assert table.schema == encoding.encoded(PLAIN)
        assert pa.types.is_dictionary(table["track"].type.field("name").type)

    def test_several_row_groups(self):
        """A file that was written in pieces has one dictionary all the same."""
        table = encoding.read(file(row_group_size=1), encoding.encoded(PLAIN))
        assert table.to_pylist() == ROWS
        first, *others = (chunk.dictionary for chunk in table["user_id"].chunks)
        assert all(one.equals(first) for one in others)

    def test_columns_that_a_file_lacks_are_null(self):
        """An earlier version of the writer knew fewer columns."""
        old = [{"occurred_at": row["occurred_at"]} for row in ROWS]
        body = file(old, pa.schema([PLAIN.field("occurred_at")]))
        table = encoding.read(body, encoding.encoded(PLAIN))
        assert table.to_pylist() == [{"user_id": None, "track": None} | row for row in old]

    def test_lists_as_other_writers_name_them(self):
        """Hive's writer calls the inside of a list otherwise."""
        table = encoding.read(file(use_compliant_nested_type=False), encoding.encoded(PLAIN))
        assert table.to_pylist() == ROWS

    def test_file_without_rows(self):
        """No row group, no row, and the columns all the same."""
        table = encoding.read(file([]), encoding.encoded(PLAIN))
        assert (table.num_rows, table.schema) == (0, encoding.encoded(PLAIN))
