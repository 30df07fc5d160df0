"""awswrangler, unchanged and with its default settings, against the embedded Athena."""
# ruff: noqa: S608 - these tests write SQL for tables that they made

import awswrangler as wr
import pandas as pd
import pyarrow as pa
import pytest
from athena_world import BUCKET, DATABASE, RESULTS

pytestmark = pytest.mark.slow

AWKWARD = ["plain", "a,b", 'say "hi"', "two\nlines", "名前 😀", "", None]


@pytest.fixture(scope="module")
def awkward(world):
    """A table of text that breaks careless CSV."""
    name = world.table({"n": "bigint", "text": "string"})
    world.put(f"{name}/one", pa.table({"n": list(range(len(AWKWARD))), "text": AWKWARD}))
    return name


class TestReadSqlQuery:
    @pytest.mark.parametrize("way", ["ctas", "unload"])
    def test_text_comes_back_as_it_was(self, world, awkward, way):
        """Through CTAS, the default, and UNLOAD no character and no null is lost."""
        settings = {
            "ctas": {},
            "unload": {
                "ctas_approach": False,
                "unload_approach": True,
                "s3_output": f"s3://{BUCKET}/{world.fresh('unload')}/",
            },
        }[way]
        frame = world.read(f"SELECT n, text FROM {awkward} ORDER BY n", **settings)
        assert frame["text"].astype(object).where(frame["text"].notna(), None).tolist() == AWKWARD
        assert frame["n"].dtype == "Int64"

    def test_csv_knows_no_empty_text(self, world, awkward):
        """Through the CSV file awswrangler reads empty text as a null, as it does on AWS."""
        frame = world.read(f"SELECT n, text FROM {awkward} ORDER BY n", ctas_approach=False)
        wanted = [text or None for text in AWKWARD]
        assert frame["text"].astype(object).where(frame["text"].notna(), None).tolist() == wanted

    def test_ctas_leaves_nothing_in_the_catalogue(self, world, awkward):
        """The temporary table is gone afterwards."""
        world.read(f"SELECT n FROM {awkward}")
        tables = world.glue.get_tables(DatabaseName=DATABASE)["TableList"]
        assert not [table for table in tables if table["Name"].startswith("temp_table")]

    def test_no_rows_keep_their_types(self, world, awkward):
        """An empty result has its columns, typed by the temporary table."""
        frame = world.read(f"SELECT n, text FROM {awkward} WHERE n < 0")
        assert len(frame) == 0
        assert list(frame.columns) == ["n", "text"]

    def test_chunks_make_the_whole(self, world, awkward):
        """Chunks hold every row once."""
        chunks = list(world.read(f"SELECT n FROM {awkward}", chunksize=3))
        assert sorted(pd.concat(chunks)["n"]) == list(range(len(AWKWARD)))

    @pytest.mark.usefixtures("world")
    def test_default_location_is_the_account_s(self):
        """Without an output location the results go to the bucket that awswrangler makes."""
        with pytest.warns(UserWarning, match="No `s3_output` was provided"):
            frame = wr.athena.read_sql_query("SELECT 1 AS one", database=DATABASE)
        assert frame.iloc[0, 0] == 1

    def test_named_parameters_are_filled_in(self, world, awkward):
        """The library's own parameters work."""
        frame = world.read(f"SELECT text FROM {awkward} WHERE n = :n", params={"n": 1})
        assert frame.iloc[0, 0] == "a,b"

    def test_execution_parameters_are_filled_in(self, world, awkward):
        """Parameters that Athena fills in work."""
        sql = f"SELECT n FROM {awkward} WHERE text = ?"
        frame = world.read(sql, params=["'a,b'"], paramstyle="qmark")
        assert frame.iloc[0, 0] == 1

    def test_a_wrong_query_says_why(self, world, awkward):
        """The reason is the one that Athena gives."""
        with pytest.raises(wr.exceptions.QueryFailed, match="COLUMN_NOT_FOUND: line 5:11: Column"):
            world.read(f"SELECT nope FROM {awkward}")

    def test_unnamed_columns_are_explained(self, world, awkward):
        """The library recognises the reason and says what to do."""
        with pytest.raises(wr.exceptions.InvalidArgumentValue, match="define all columns names"):
            world.read(f"SELECT count(*) FROM {awkward}")


class TestTables:
    def test_read_sql_table_reads_all(self, awkward):
        """A whole table comes by its name."""
        frame = wr.athena.read_sql_table(awkward, database=DATABASE, s3_output=RESULTS)
        assert len(frame) == len(AWKWARD)

    def test_create_ctas_table_is_a_table(self, world, awkward):
        """A partitioned table made by CTAS is read again, partition by partition."""
        name = world.fresh("made")
        wr.athena.create_ctas_table(
            f"SELECT text, n FROM {awkward}",
            database=DATABASE,
            ctas_table=name,
            s3_output=f"s3://{BUCKET}/made/",
            partitioning_info=["n"],
            wait=True,
        )
        assert world.rows(f"SELECT text FROM {name} WHERE n = 1") == [["a,b"]]
        assert (
            len(world.glue.get_partitions(DatabaseName=DATABASE, TableName=name)["Partitions"]) == 7
        )

    def test_insert_adds_rows(self, world, awkward):
        """INSERT INTO adds to what is there."""
        name = world.fresh("added")
        assert world.run(f"CREATE TABLE {name} AS SELECT n FROM {awkward}").state == "SUCCEEDED"
        assert world.run(f"INSERT INTO {name} SELECT n + 100 FROM {awkward}").state == "SUCCEEDED"
        assert world.rows(f"SELECT count(*), max(n) FROM {name}") == [["14", "106"]]

    def test_unload_writes_where_it_is_told(self, world, awkward):
        """`wr.athena.unload` leaves Parquet files and a manifest."""
        place = f"s3://{BUCKET}/{world.fresh('place')}/"
        done = wr.athena.unload(f"SELECT n FROM {awkward}", path=place, database=DATABASE)
        manifest = "".join(wr.s3.read_csv(done.manifest_location, header=None)[0])
        assert manifest.startswith(place)
        assert sorted(wr.s3.read_parquet(manifest)["n"]) == list(range(len(AWKWARD)))
