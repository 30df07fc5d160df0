"""What of a table is read: partitions, columns, storage classes, hidden objects, views of Glue's."""
# ruff: noqa: S608 - these tests write SQL for tables that they made

import pyarrow as pa
import pytest
from athena_world import BUCKET, DATABASE, EVERY_DAY

from musicrec.local.athena.formats import OPEN_CSV

pytestmark = pytest.mark.slow

DAYS = {"2026-03-01": [1, 2], "2026-03-02": [3], "2026-03-03": [4, 5]}


@pytest.fixture(scope="module")
def days(world):
    return world.days(DAYS)


class TestPartitions:
    @pytest.mark.parametrize(
        ("condition", "wanted"),
        [
            ("dt = '2026-03-02'", 1),
            ("dt >= '2026-03-02'", 2),
            ("dt BETWEEN '2026-03-01' AND '2026-03-02'", 2),
            ("dt IN ('2026-03-01', '2026-03-03')", 2),
            ("dt LIKE '2026-03-02%'", 1),
            ("date(dt) > DATE '2026-03-01'", 2),
            ("dt = '2026-03-02' AND n > 0", 1),
            ("dt = '2026-03-02' OR n = 1", 3),
            ("dt = '1999-01-01'", 0),
        ],
    )
    def test_only_days_that_can_match_are_read(self, world, days, condition, wanted):
        """Bytes are those of the days that the condition leaves, whatever its form."""
        whole = world.run(f"SELECT n FROM {days}").scanned
        answer = world.run(f"SELECT n FROM {days} WHERE {condition}")
        assert answer.state == "SUCCEEDED", answer.reason
        assert round(3 * answer.scanned / whole) == wanted

    def test_pruning_changes_no_answer(self, world, days):
        """A condition on the optional side of an outer join does not make its rows vanish."""
        sql = (
            f"SELECT a.n FROM {days} a LEFT JOIN {days} b ON a.n = b.n "
            "WHERE b.dt = '2026-03-02' OR b.dt IS NULL ORDER BY 1"
        )
        assert world.rows(sql) == [["3"]]
        anti = (
            f"SELECT count(*) FROM {days} a LEFT JOIN (SELECT n AS m, dt FROM {days}) b "
            "ON a.n = b.m WHERE b.dt IS NULL"
        )
        assert world.rows(anti) == [["0"]]

    def test_days_out_of_range_do_not_exist(self, world):
        """Projected partitions are those of the range and format, whatever lies in S3."""
        name = world.days(
            {"2019-12-31": [1], "2026-03-01": [2], "2026-3-2": [3], "9999-01-01": [4]}
        )
        assert world.rows(f"SELECT n FROM {name}") == [["2"]]

    @pytest.mark.parametrize(
        ("properties", "kind", "values", "wanted"),
        [
            ({"type": "enum", "values": "a,b"}, "string", ["a", "c"], ["a"]),
            ({"type": "integer", "range": "1,9", "interval": "2"}, "int", ["1", "2", "3", "11"], ["1", "3"]),
            ({"type": "integer", "range": "1,99", "digits": "2"}, "string", ["01", "1", "12"], ["01", "12"]),
            ({"type": "date", "format": "yyyy/MM/dd/HH", "range": "2026/01/01/00,NOW"}, "string",
             ["2026/01/01/05"], ["2026/01/01/05"]),
            ({"type": "date", "format": "yyyy-MM", "range": "2026-01,2026-12", "interval": "2",
              "interval.unit": "MONTHS"}, "string", ["2026-01", "2026-02", "2026-03"], ["2026-01", "2026-03"]),
        ],
    )  # fmt: skip
    def test_projection_types(self, world, properties, kind, values, wanted):
        """Enumerations, integers and dates project what their properties say."""
        name = world.fresh("projected")
        parameters = {"projection.enabled": "true"}
        parameters |= {f"projection.k.{key}": value for key, value in properties.items()}
        if "/" in properties.get("format", ""):
            parameters["storage.location.template"] = f"s3://{BUCKET}/{name}/k=${{k}}/"
        world.table({"n": "bigint"}, name=name, keys=[("k", kind)], parameters=parameters)
        for value in values:
            world.put(f"{name}/k={value}/part", pa.table({"n": [1]}))
        keys = [row[0] for row in world.rows(f"SELECT k FROM {name} ORDER BY k")]
        assert keys == [str(int(value)) if kind == "int" else value for value in wanted]

    def test_injected_keys_have_to_be_named(self, world):
        """A query that does not hold an injected key to a value fails as on AWS."""
        parameters = {"projection.enabled": "true", "projection.k.type": "injected"}
        name = world.table({"n": "bigint"}, keys=[("k", "string")], parameters=parameters)
        world.put(f"{name}/k=x/part", pa.table({"n": [1]}))
        assert world.run(f"SELECT n FROM {name}").reason.startswith("CONSTRAINT_VIOLATION: ")
        assert world.rows(f"SELECT n FROM {name} WHERE k = 'x'") == [["1"]]


class TestObjects:
    def test_columns_that_nobody_asks_for_are_not_read(self, world):
        """A narrow query of a wide file reads the narrow column."""
        name = world.table({"n": "bigint", "blob": "string"})
        rows = 200_000
        blobs = [f"{index * 2_654_435_761 % 2**64:020}" for index in range(rows)]
        size = world.put(f"{name}/part", pa.table({"n": [1] * rows, "blob": blobs}))
        assert size > 2_000_000
        assert world.run(f"SELECT sum(n) FROM {name}").scanned < size / 10
        assert world.run(f"SELECT max(blob) FROM {name}").scanned > size / 2

    @pytest.mark.parametrize(("storage", "wanted"), [("GLACIER", 0), ("DEEP_ARCHIVE", 0), ("GLACIER_IR", 1), ("STANDARD_IA", 1)])  # fmt: skip
    def test_archived_objects_are_passed_over(self, world, storage, wanted):
        """Objects in Glacier and Deep Archive give no rows and no error."""
        name = world.table({"n": "bigint"})
        world.put(f"{name}/part", pa.table({"n": [1]}), StorageClass=storage)
        assert world.rows(f"SELECT count(*) FROM {name}") == [[str(wanted)]]

    def test_hidden_objects_are_passed_over(self, world):
        """Names with an underscore or a dot in front are not data."""
        name = world.table({"n": "bigint"})
        for key in ("part", "_SUCCESS", "_temporary/part", ".part.crc"):
            world.put(f"{name}/{key}", pa.table({"n": [1]}))
        assert world.rows(f"SELECT count(*) FROM {name}") == [["1"]]

    def test_missing_columns_are_null(self, world):
        """A file written before a column was added has nulls in it; others are not seen."""
        name = world.table({"n": "bigint", "added": "string"})
        world.put(f"{name}/old", pa.table({"n": [1], "gone": ["x"]}))
        assert world.rows(f"SELECT * FROM {name}") == [["1", None]]

    def test_the_path_column_is_hidden(self, world, days):
        """`"$path"` says where a row came from, and `*` does not show it."""
        (row,) = world.rows(f"SELECT *, \"$path\" FROM {days} WHERE dt = '2026-03-02'")
        assert row == ["3", "w3", "2026-03-02", f"s3://{BUCKET}/{days}/dt=2026-03-02/part-0"]

    def test_quoted_csv(self, world):
        """OpenCSVSerde reads quoted fields with separators and newlines in them."""
        name = world.table({"a": "string", "b": "string"}, serde=OPEN_CSV, separatorChar=";")
        world.s3.put_object(Bucket=BUCKET, Key=f"{name}/x", Body=b'"1;2";"two\nlines"\n"";x\n')
        assert world.rows(f"SELECT a, b FROM {name} ORDER BY a DESC") == [
            ["1;2", "two\nlines"],
            ["", "x"],
        ]

    def test_a_broken_file_fails_the_query(self, world):
        """What is no Parquet is an error of the cursor, with the engine's reason."""
        name = world.table({"n": "bigint"})
        world.s3.put_object(Bucket=BUCKET, Key=f"{name}/x", Body=b"no parquet at all")
        assert world.run(f"SELECT n FROM {name}").reason.startswith("HIVE_")


class TestWriting:
    def test_a_taken_place_is_refused(self, world, days):
        """CTAS and UNLOAD write to empty folders alone."""
        place = f"s3://{BUCKET}/{days}/"
        ctas = f"CREATE TABLE {world.fresh()} WITH (external_location = '{place}') AS SELECT 1 AS n"
        unload = f"UNLOAD (SELECT 1 AS n) TO '{place}' WITH (format = 'PARQUET')"
        for sql in (ctas, unload):
            assert world.run(sql).reason.startswith("HIVE_PATH_ALREADY_EXISTS: ")

    def test_insert_into_projected_days(self, world):
        """Rows go to the folder of their day, which needs no registration."""
        name = world.table({"n": "bigint"}, keys=[("dt", "string")], parameters=EVERY_DAY)
        sql = f"INSERT INTO {name} VALUES (1, '2026-03-01'), (2, '2026-03-02')"
        assert world.run(sql).state == "SUCCEEDED"
        assert world.rows(f"SELECT n FROM {name} WHERE dt = '2026-03-02'") == [["2"]]
        assert {key.split("/")[1] for key in world.keys(f"{name}/")} == {
            "dt=2026-03-01",
            "dt=2026-03-02",
        }

    def test_insert_of_other_types_is_refused(self, world):
        """Columns have to fit by place and type."""
        name = world.table({"n": "bigint", "word": "string"})
        assert world.run(f"INSERT INTO {name} SELECT 'a', 'b'").reason.startswith("TYPE_MISMATCH: ")
        assert world.run(f"INSERT INTO {name} (word) SELECT 'b'").state == "SUCCEEDED"
        assert world.rows(f"SELECT * FROM {name}") == [[None, "b"]]

    def test_too_many_partitions(self, world):
        """A statement writes a hundred partitions at most."""
        sql = "SELECT 1 AS one, n FROM UNNEST(sequence(1, 101)) AS t(n)"
        answer = world.run(
            f"CREATE TABLE {world.fresh()} WITH (partitioned_by = ARRAY['n']) AS {sql}"
        )
        assert answer.reason.startswith("HIVE_TOO_MANY_OPEN_PARTITIONS: ")

    def test_no_data_makes_an_empty_table(self, world):
        """WITH NO DATA leaves the columns alone."""
        name = world.fresh("empty")
        assert world.run(f"CREATE TABLE {name} AS SELECT 1 AS n WITH NO DATA").state == "SUCCEEDED"
        assert world.rows(f"SELECT count(*) FROM {name}") == [["0"]]

    @pytest.mark.parametrize("form", ["TEXTFILE", "JSON"])
    def test_other_formats_are_read_again(self, world, form):
        """Tables of delimited text and of JSON come back."""
        name = world.fresh("text")
        made = world.run(
            f"CREATE TABLE {name} WITH (format = '{form}') AS SELECT 1 AS n, 'a b' AS s"
        )
        assert made.state == "SUCCEEDED", made.reason
        assert world.rows(f"SELECT n, s FROM {name}") == [["1", "a b"]]

    def test_a_missing_table_and_database_say_so(self, world):
        """The reasons are Trino's."""
        assert (
            world.run("SELECT 1 FROM nope").reason
            == f"TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{DATABASE}.nope' does not exist"
        )
        assert world.run("SELECT 1 FROM nope.t").reason.startswith("SCHEMA_NOT_FOUND: line 1:")
