"""Statements about the catalogue, run on the embedded Athena."""
# ruff: noqa: S608 - these tests write SQL for tables that they made

import awswrangler as wr
import pyarrow as pa
import pytest
from athena_world import BUCKET, DATABASE, RESULTS

pytestmark = pytest.mark.slow


def succeeded(world, sql):
    answer = world.run(sql)
    assert answer.state == "SUCCEEDED", answer.reason
    return answer


@pytest.fixture
def made(world):
    """A table made by Hive's DDL, with two folders of objects that are not registered."""
    name = world.fresh("hive")
    succeeded(
        world,
        f"CREATE EXTERNAL TABLE IF NOT EXISTS `{name}` (`n` bigint COMMENT 'a number', "
        "track struct<name: string, artists: array<string>>) PARTITIONED BY (dt string) "
        f"STORED AS PARQUET LOCATION 's3://{BUCKET}/{name}/' TBLPROPERTIES ('made.by' = 'test')",
    )
    for day, n in (("2026-01-01", 1), ("2026-01-02", 2)):
        rows = pa.table({"n": [n], "track": [{"name": "x", "artists": ["y"]}]})
        world.put(f"{name}/dt={day}/part", rows)
    return name


class TestHiveTables:
    def test_is_described_in_glue(self, world, made):
        """Columns, keys, location and properties are Glue's."""
        table = world.glue.get_table(DatabaseName=DATABASE, Name=made)["Table"]
        assert [column["Type"] for column in table["StorageDescriptor"]["Columns"]] == [
            "bigint",
            "struct<name:string,artists:array<string>>",
        ]
        assert table["PartitionKeys"] == [{"Name": "dt", "Type": "string"}]
        assert table["Parameters"]["made.by"] == "test"

    def test_has_no_rows_before_its_partitions(self, world, made):
        """Folders that nobody registered are not read."""
        assert world.rows(f"SELECT count(*) FROM {made}") == [["0"]]

    def test_repair_finds_the_folders(self, world, made):
        """MSCK REPAIR TABLE, through awswrangler, registers what lies in Hive's folders."""
        assert wr.athena.repair_table(made, database=DATABASE, s3_output=RESULTS) == "SUCCEEDED"
        assert world.rows(f"SELECT sum(n) FROM {made}") == [["3"]]
        assert world.rows(f"SHOW PARTITIONS {made}") == [["dt=2026-01-01"], ["dt=2026-01-02"]]

    def test_partitions_come_and_go(self, world, made):
        """ALTER TABLE adds a partition, which may lie anywhere, and drops it again."""
        place = f"s3://{BUCKET}/{made}/dt=2026-01-02/"
        succeeded(world, f"ALTER TABLE {made} ADD PARTITION (dt = 'other') LOCATION '{place}'")
        assert world.rows(f"SELECT dt, n FROM {made}") == [["other", "2"]]
        again = world.run(f"ALTER TABLE {made} ADD PARTITION (dt = 'other')")
        assert "AlreadyExistsException" in again.reason
        succeeded(world, f"ALTER TABLE {made} ADD IF NOT EXISTS PARTITION (dt = 'other')")
        succeeded(world, f"ALTER TABLE {made} DROP PARTITION (dt = 'other')")
        assert world.rows(f"SELECT count(*) FROM {made}") == [["0"]]

    def test_awswrangler_describes_it(self, made):
        """`wr.athena.describe_table` finds the columns and the partition key."""
        frame = wr.athena.describe_table(made, database=DATABASE, s3_output=RESULTS)
        assert frame["Column Name"].tolist() == ["n", "track", "dt"]
        assert frame["Partition"].tolist() == [False, False, True]

    def test_shows_how_it_was_made(self, world, made):
        """The statement of SHOW CREATE TABLE, through awswrangler, makes an equal table."""
        sql = wr.athena.show_create_table(made, database=DATABASE, s3_output=RESULTS)
        succeeded(world, f"DROP TABLE {made}")
        succeeded(world, sql)
        table = world.glue.get_table(DatabaseName=DATABASE, Name=made)["Table"]
        assert table["PartitionKeys"] == [{"Name": "dt", "Type": "string"}]

    def test_drop_leaves_the_objects(self, world, made):
        """DROP TABLE forgets the table alone."""
        succeeded(world, f"DROP TABLE {made}")
        assert len(world.keys(f"{made}/")) == 2
        assert "Table not found" in world.run(f"DROP TABLE {made}").reason
        succeeded(world, f"DROP TABLE IF EXISTS {made}")

    def test_reads_delimited_text(self, world):
        """A table of comma-separated files with a header, whose nulls are Hive's."""
        name = world.fresh("csv")
        body = b"n,word\n1,one\n2,\\N\n"
        world.s3.put_object(Bucket=BUCKET, Key=f"{name}/a.csv", Body=body)
        succeeded(
            world,
            f"CREATE EXTERNAL TABLE {name} (n int, word string) ROW FORMAT DELIMITED FIELDS "
            f"TERMINATED BY ',' STORED AS TEXTFILE LOCATION 's3://{BUCKET}/{name}/' "
            "TBLPROPERTIES ('skip.header.line.count' = '1')",
        )
        assert world.rows(f"SELECT n, word FROM {name} ORDER BY n") == [["1", "one"], ["2", None]]

    def test_reads_json_lines(self, world):
        """A table of JSON objects, one a line."""
        name = world.fresh("json")
        body = b'{"n": 1, "tags": ["a"]}\n{"n": 2}\n'
        world.s3.put_object(Bucket=BUCKET, Key=f"{name}/a.json", Body=body)
        succeeded(
            world,
            f"CREATE EXTERNAL TABLE {name} (n int, tags array<string>) ROW FORMAT SERDE "
            f"'org.openx.data.jsonserde.JsonSerDe' LOCATION 's3://{BUCKET}/{name}/'",
        )
        wanted = [["1", "[a]"], ["2", None]]
        assert world.rows(f"SELECT n, tags FROM {name} ORDER BY n") == wanted


class TestDatabasesAndViews:
    def test_databases_come_and_go(self, world):
        """A database with tables goes only by CASCADE."""
        name = world.fresh("db")
        succeeded(world, f"CREATE DATABASE {name}")
        assert [name] in world.rows("SHOW DATABASES")
        assert "AlreadyExists" in world.run(f"CREATE DATABASE {name}").reason
        succeeded(world, f"CREATE DATABASE IF NOT EXISTS {name}")
        succeeded(world, f"CREATE TABLE {name}.t AS SELECT 1 AS one")
        assert world.rows(f"SHOW TABLES IN {name}") == [["t"]]
        assert "not empty" in world.run(f"DROP DATABASE {name}").reason
        succeeded(world, f"DROP DATABASE {name} CASCADE")
        assert [name] not in world.rows("SHOW DATABASES")

    def test_a_view_is_its_query(self, world):
        """A view is read as its query, also after it was replaced, and says its columns."""
        table, view = world.days({"2026-01-01": [1, 2]}), world.fresh("view")
        succeeded(world, f"CREATE VIEW {view} AS SELECT n, dt FROM {table}")
        assert world.rows(f"SELECT sum(v.n) FROM {view} v WHERE v.dt = '2026-01-01'") == [["3"]]
        assert world.run(f"CREATE VIEW {view} AS SELECT 1 AS n").state == "FAILED"
        succeeded(world, f"CREATE OR REPLACE VIEW {view} AS SELECT n + 1 AS m FROM {table}")
        assert world.rows(f"SELECT max(m) FROM {view}") == [["3"]]
        shown = world.rows(f"SHOW COLUMNS IN {view}")
        assert [row[0].strip() for row in shown] == ["m"]
        succeeded(world, f"DROP VIEW {view}")


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        "sql",
        ["", "SELEC 1", "SELECT 1; SELECT 2", "DELETE FROM t", "VACUUM t", "CREATE TABLE t (n int)",
         "UNLOAD SELECT 1 TO 's3://lake/x/'", "UNLOAD (SELECT 1) TO 's3://lake/x/'"],
    )  # fmt: skip
    def test_before_it_is_an_execution(self, world, sql):
        """What is no statement of Athena's, or is not emulated, is an invalid request."""
        with pytest.raises(world.athena.exceptions.InvalidRequestException):
            world.run(sql or " ")
