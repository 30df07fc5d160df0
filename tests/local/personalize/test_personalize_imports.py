"""Import jobs read S3 for real, and say what is wrong in AWS's words."""

import pytest
from botocore.exceptions import ClientError
from personalize_data import ITEMS, avro, item_rows, listening_rows, to_csv
from personalize_world import ROLE

from musicrec.local.personalize import avro as rules
from musicrec.local.personalize import csv_files
from musicrec.local.personalize.workers import JobFailedError

HEADER = ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE"]
ITEM_SCHEMA = rules.parse(ITEMS)


def read(text, schema=ITEM_SCHEMA):
    """The table of one file."""
    content = text if isinstance(text, bytes) else text.encode()
    return csv_files.read([csv_files.CsvFile("x.csv", content)], schema)


class TestReading:
    def test_columns_are_found_by_name_and_typed(self):
        """Order does not matter; an empty cell is null."""
        table = read("YEAR,ITEM_ID,TEMPO,GENRE\n1999,a,1.5,x|y\n,b,,\n")
        assert table.to_pylist() == [
            {"ITEM_ID": "a", "GENRE": "x|y", "TEMPO": 1.5, "YEAR": 1999},
            {"ITEM_ID": "b", "GENRE": None, "TEMPO": None, "YEAR": None},
        ]

    def test_other_columns_are_left_out(self):
        """Such as the row numbers, without a name, that pandas writes unless told not to."""
        table = read(",ITEM_ID,GENRE,TEMPO,YEAR,MOOD\n0,a,x,1.5,1999,sad\n")
        assert table.to_pylist() == [{"ITEM_ID": "a", "GENRE": "x", "TEMPO": 1.5, "YEAR": 1999}]

    def test_quotes_and_escapes_are_understood(self):
        """Text in double quotes; a backslash escapes."""
        table = read('ITEM_ID,GENRE,TEMPO,YEAR\na,"x, \\"y\\"",1,1\n')
        assert table.column("GENRE")[0].as_py() == 'x, "y"'

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("ITEM_ID,GENRE\na,b\n", "Input CSV is missing the following columns:[TEMPO, YEAR]."),
            ("ITEM_ID,GENRE,TEMPO,YEAR,YEAR\n", "has a column twice:[YEAR]"),
            ("ITEM_ID,GENRE,TEMPO,YEAR\na,b,1,1\nb,b,fast,1\n", "TEMPO must be of type float. (first at row 2: 'fast')"),
            ("ITEM_ID,GENRE,TEMPO,YEAR\na,b,1,1.5\n", "YEAR must be of type int. (first at row 1: '1.5')"),
            ("ITEM_ID,GENRE,TEMPO,YEAR\na,b,1,9999999999\n", "YEAR must be of type int"),
            ("ITEM_ID,GENRE,TEMPO,YEAR\n,b,1,1\n", "ITEM_ID cannot be null. (first at row 1)"),
            (f"ITEM_ID,GENRE,TEMPO,YEAR\n{'a' * 257},b,1,1\n", "Length cannot be more than 256 characters for ITEM_ID. (first at row 1)"),
            (f"ITEM_ID,GENRE,TEMPO,YEAR\na,{'b' * 1001},1,1\n", "Length cannot be more than 1000 characters for GENRE."),
            ("ITEM_ID,GENRE,TEMPO,YEAR\na,b,1\n", "Expected 4 columns, got 3"),
            (b"ITEM_ID,GENRE,TEMPO,YEAR\na,\xff,1,1\n", "not UTF-8"),
            ("", "missing the following columns"),
        ],
    )  # fmt: skip
    def test_failure_names_column_and_row(self, text, reason):
        """Each kind of failure has its text."""
        with pytest.raises(JobFailedError) as caught:
            read(text)
        assert reason in str(caught.value)

    @pytest.mark.parametrize("bad", ["", "2006-2007"])
    def test_a_few_bad_cells_of_metadata_are_null(self, bad):
        """One row in a hundred may lack a number that the schema wants; one more may not."""
        schema = rules.parse(avro("Items", "ITEM_ID:string", "YEAR:int"))
        rows = [f"i{n},1999" for n in range(200)]
        few = "\n".join(["ITEM_ID,YEAR", f"a,{bad}", f"b,{bad}", *rows])
        assert read(few, schema).column("YEAR").to_pylist()[:3] == [None, None, 1999]
        with pytest.raises(JobFailedError, match=r"Column YEAR .*first at row 1"):
            read(f"{few}\nc,{bad}", schema)

    @pytest.mark.parametrize("row", [",i,1", "u,,1", "u,i,", "u,i,soon"])
    def test_no_bad_cell_of_an_interaction_is_forgiven(self, row):
        """However many good rows there are."""
        schema = rules.parse(
            avro("Interactions", "USER_ID:string", "ITEM_ID:string", "TIMESTAMP:long")
        )
        rows = ["u,i,1"] * 500
        with pytest.raises(JobFailedError, match="first at row 501"):
            read("\n".join(["USER_ID,ITEM_ID,TIMESTAMP", *rows, row]), schema)

    def test_long_text_is_cut(self):
        """Textual columns are shortened, not refused."""
        schema = avro("Items", "ITEM_ID:string", "TEXT:string").replace(
            '"name": "TEXT",', '"name": "TEXT", "textual": true,'
        )
        table = read(f"ITEM_ID,TEXT\na,{'x' * 20_005}\n", rules.parse(schema))
        assert len(table.column("TEXT")[0].as_py()) == 20_000

    def test_what_is_written_can_be_read(self):
        """An export can be imported again."""
        table = read(to_csv(["ITEM_ID", "GENRE", "TEMPO", "YEAR"], [("a", 'x,"y', 0.9731, None)]))
        assert read(csv_files.write(table)) == table


class TestJobs:
    def test_prefix_takes_all_csv_files_of_the_level(self, world):
        """Files in deeper folders and other files are left out."""
        rows = listening_rows()
        world.group()
        world.dataset("Interactions")
        world.put_csv("in/1.csv", HEADER, rows[:3000])
        world.put_csv("in/2.csv", HEADER, rows[3000:])
        world.put_csv("in/deeper/3.csv", HEADER, [("stranger", "i", 1, "play", None)])
        world.put_csv("in/readme.txt", ["NOT"], [])
        done = world.import_csv("Interactions", f"s3://{world.bucket}/in/")
        assert done["status"] == "ACTIVE"
        assert len(world.export(mode="BULK")) == len(rows)

    @pytest.mark.parametrize(
        ("location", "reason"),
        [
            ("s3://{}/nothing.csv", "Invalid Data location."),
            ("s3://{}/empty/", "Invalid Data location."),
            ("s3://no-such-bucket/x.csv", "Invalid Data location."),
        ],
    )
    def test_missing_data_fail_the_job(self, world, location, reason):
        """The job is made, then fails with a reason."""
        world.group()
        world.dataset("Interactions")
        done = world.import_csv("Interactions", location.format(world.bucket))
        assert (done["status"], done["failureReason"]) == ("CREATE FAILED", reason)

    def test_a_thousand_interactions_are_needed(self, world):
        """999 rows are too few, and nothing of them is kept."""
        world.group()
        world.dataset("Interactions")
        location = world.put_csv("few.csv", HEADER, listening_rows()[:999])
        done = world.import_csv("Interactions", location)
        assert done["status"] == "CREATE FAILED"
        assert "999" in done["failureReason"]
        assert world.export() == []

    def test_full_import_replaces_and_incremental_appends(self, world):
        """FULL is what it says; INCREMENTAL adds; exact duplicates count once."""
        rows = listening_rows()
        world.group()
        world.dataset("Interactions")
        whole = world.put_csv("whole.csv", HEADER, rows)
        half = world.put_csv("half.csv", HEADER, rows[:2000] + rows[:500])
        world.import_csv("Interactions", whole, "a")
        world.import_csv("Interactions", half, "b")
        assert len(world.export(name="full")) == 2000
        world.import_csv("Interactions", whole, "c", importMode="INCREMENTAL")
        assert len(world.export(name="both")) == len(rows)

    def test_first_import_must_be_full(self, world):
        """There is nothing to add to."""
        world.group()
        world.dataset("Items")
        with pytest.raises(world.control.exceptions.InvalidInputException, match="FULL"):
            world.import_csv("Items", "s3://b/x.csv", importMode="INCREMENTAL")

    def test_incremental_items_replace_those_of_the_same_id(self, world):
        """The later record wins."""
        world.group()
        world.dataset("Items")
        header = ["ITEM_ID", "GENRE", "TEMPO", "YEAR"]
        world.import_csv("Items", world.put_csv("a.csv", header, item_rows()), "a")
        changed = world.put_csv("b.csv", header, [("i0-00", "polka", 1, 2000)])
        world.import_csv("Items", changed, "b", importMode="INCREMENTAL")
        found = {row["ITEM_ID"]: row["GENRE"] for row in world.export("Items")}
        assert found["i0-00"] == "polka"
        assert len(found) == len(item_rows())

    @pytest.mark.parametrize(
        "change",
        [
            {"dataSource": {}},
            {"dataSource": {"dataLocation": "https://x/y.csv"}},
            {"roleArn": None},
        ],
    )
    def test_incomplete_request_is_refused_at_once(self, world, change):
        """Without a role or an s3 location there is no job."""
        world.group()
        params = {
            "jobName": "j",
            "datasetArn": world.dataset("Items"),
            "dataSource": {"dataLocation": "s3://b/x.csv"},
            "roleArn": ROLE,
        } | change
        with pytest.raises(ClientError, match="InvalidInputException"):
            world.control.create_dataset_import_job(
                **{name: value for name, value in params.items() if value is not None}
            )
