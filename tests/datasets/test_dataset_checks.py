from collections import Counter
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from musicrec.datasets import checks, schemas
from musicrec.datasets.checks import DatasetCheckError, Evidence, Finding
from musicrec.datasets.facts import Coverage, Facts, InteractionTally

NOON = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp())


def interactions_of(users=30, each=40, kind="play", items=10):
    """A table of interactions: `each` for every user."""
    rows = [
        {
            "USER_ID": f"u{user}",
            "ITEM_ID": f"i{number % items}",
            "TIMESTAMP": NOON + number,
            "EVENT_TYPE": kind,
        }
        for user in range(users)
        for number in range(each)
    ]
    return pa.Table.from_pylist(rows, schema=schemas.INTERACTIONS.arrow)


def table_of(schema, ids, **columns):
    """A table of users or items with some columns filled."""
    rows = [
        {schema.names[0]: identifier} | {name: values[at] for name, values in columns.items()}
        for at, identifier in enumerate(ids)
    ]
    return pa.Table.from_pylist(rows, schema=schema.arrow)


def evidence_of(interactions, users=None, items=None, run_date="2026-03-02"):
    """What a build with these tables would have learnt."""
    made = Evidence(run_date=run_date)
    made.facts["interactions"].observe(interactions)
    made.tally.observe(interactions)
    made.start_coverage()
    user_ids = sorted(made.tally.users)
    item_ids = sorted(made.tally.items)
    users = table_of(schemas.USERS, user_ids) if users is None else users
    items = table_of(schemas.ITEMS, item_ids) if items is None else items
    for kind, table, coverage in (("users", users, made.users), ("items", items, made.items)):
        made.facts[kind].observe(table)
        coverage.observe(table)
    return made


def found(evidence, check):
    """The severities and messages of one check."""
    return [(finding.severity, finding.message) for finding in check(evidence)]


@pytest.fixture
def good():
    """Evidence of datasets with which nothing is wrong but that metadata is missing."""
    return evidence_of(interactions_of())


class TestRun:
    def test_good_datasets_have_no_error(self, good):
        """Datasets within all limits pass."""
        checks.require(checks.run(good))

    def test_error_names_every_problem(self):
        """Whoever reads the error need not run again to learn of the next problem."""
        broken = evidence_of(interactions_of(users=3, each=2))
        with pytest.raises(DatasetCheckError) as caught:
            checks.require(checks.run(broken))
        assert "6 interactions" in str(caught.value)
        assert "3 of 3 users" in str(caught.value)

    def test_warnings_do_not_stop(self):
        """Only an error stops the import."""
        warning = Finding(check="c", severity="warning", dataset="items", message="m")
        checks.require([warning])


class TestMinimums:
    def test_a_thousand_interactions_are_enough(self):
        """The limit itself passes, one fewer does not."""
        enough = evidence_of(interactions_of(users=25, each=40))
        assert found(enough, checks.enough_interactions) == []
        (one_fewer,) = found(
            evidence_of(interactions_of(users=25, each=40).slice(1)), checks.enough_interactions
        )
        assert one_fewer[0] == "error"

    def test_skips_do_not_count(self):
        """A training leaves skips out, so they cannot make up the thousand."""
        skips = evidence_of(interactions_of(kind="skip"))
        assert "0 of them play or complete" in found(skips, checks.enough_interactions)[0][1]

    def test_users_with_one_interaction_do_not_count(self):
        """Twenty-five users must have come twice."""
        assert found(evidence_of(interactions_of(users=24)), checks.enough_repeat_users)
        assert not found(evidence_of(interactions_of(users=25)), checks.enough_repeat_users)
        once = evidence_of(interactions_of(users=1000, each=1))
        assert "0 of 1000 users" in found(once, checks.enough_repeat_users)[0][1]

    def test_one_user_in_a_hundred_must_come_twice(self, good):
        """With many users twenty-five are too few."""
        good.tally = InteractionTally()
        for users, each in ((10_000, 1), (30, 1)):
            good.tally.observe(interactions_of(users, each))
        assert "at least 100" in found(good, checks.enough_repeat_users)[0][1]


class TestLimits:
    def test_too_many_items(self, good):
        """The recipes take five million items."""
        good.facts["items"].rows = 5_000_001
        assert "5000001 rows" in found(good, checks.within_row_limits)[0][1]

    def test_too_large_a_file(self, good):
        """One import takes 100 GB."""
        good.facts["interactions"].size = 100 * 10**9 + 1
        assert found(good, checks.within_size_limit)[0][0] == "error"

    def test_too_long_a_text_is_shown(self):
        """The message shows the beginning of what is too long."""
        users = table_of(schemas.USERS, ["u" * 257, "v"], FAVOURITE_GENRE=["g" * 1001, "pop"])
        messages = [
            message
            for _, message in found(
                evidence_of(interactions_of(), users), checks.within_text_limits
            )
        ]
        assert any("USER_ID has a value of 257" in message for message in messages)
        assert any("FAVOURITE_GENRE has a value of 1001" in message for message in messages)

    def test_too_many_own_columns(self, good):
        """A users schema may have 25 columns of its own."""
        columns = (
            schemas.Column("USER_ID", "string"),
            *(schemas.Column(f"A{number}", "float", nullable=True) for number in range(26)),
        )
        good.facts["users"] = Facts(schemas.DatasetSchema("users", columns))
        assert "26 own columns" in found(good, checks.within_column_limits)[0][1]

    def test_too_many_event_types(self, good):
        """Event types and optional columns share a limit of ten."""
        good.tally.types = Counter({f"type{number}": 1 for number in range(9)})
        assert "9 event types" in found(good, checks.within_column_limits)[0][1]

    def test_names_that_differ_in_underscores_only(self, good):
        """Two such columns are one to Personalize."""
        columns = tuple(schemas.Column(name, "float") for name in ("GENRE_1", "GENRE1", "X"))
        good.facts["items"] = Facts(schemas.DatasetSchema("items", columns))
        assert "GENRE_1, GENRE1" in found(good, checks.distinct_column_names)[0][1]


class TestValues:
    def test_reserved_word_is_named_with_its_column(self):
        """A cell that holds one of the service's field names is found."""
        items = table_of(schemas.ITEMS, ["i0", "i1"], ARTIST=["VALUE", "Björk"])
        (finding,) = found(evidence_of(interactions_of(), items=items), checks.no_reserved_words)
        assert "ARTIST hold the reserved word VALUE" in finding[1]

    def test_unknown_event_type(self):
        """A type that the stream never sends is an error."""
        strange = evidence_of(interactions_of(kind="like"))
        assert "like" in found(strange, checks.known_event_types)[0][1]

    def test_empty_required_cell(self, good):
        """A column without null in its schema must be full."""
        good.facts["interactions"].nulls["EVENT_TYPE"] = 3
        assert "3 of 1200 cells of EVENT_TYPE" in found(good, checks.required_values)[0][1]

    def test_mostly_empty_column_is_a_warning(self):
        """A column known in six rows of ten is worth a look, in seven it is not."""
        for known, expected in ((6, 1), (7, 0)):
            items = table_of(
                schemas.ITEMS,
                [f"i{number}" for number in range(10)],
                ENERGY=[0.5 if number < known else None for number in range(10)],
            )
            evidence = evidence_of(interactions_of(), items=items)
            energy = [
                finding.severity
                for finding in checks.mostly_complete(evidence)
                if (finding.dataset, finding.message[:6]) == ("items", "ENERGY")
            ]
            assert energy == ["warning"] * expected

    def test_many_categories_are_a_warning(self):
        """One thousand distinct values pass, one more is worth a look."""
        for count, expected in ((1000, []), (1001, ["warning"])):
            ids = [f"i{number:05}" for number in range(count)]
            items = table_of(schemas.ITEMS, ids, ARTIST=ids)
            evidence = evidence_of(interactions_of(), items=items)
            assert [one for one, _ in found(evidence, checks.few_categories)] == expected

    def test_categories_of_one_cell_count_apart(self):
        """Two genres in one cell are two categories."""
        items = table_of(schemas.ITEMS, ["i0", "i1"], GENRES=["a|b", "b|c"])
        facts = evidence_of(interactions_of(), items=items).facts["items"]
        assert facts.categories["GENRES"] == {"a", "b", "c"}

    def test_repeated_id(self):
        """Two rows of one item are an error, since only one of them would stay."""
        items = table_of(schemas.ITEMS, ["i0", "i0", "i1"])
        evidence = evidence_of(interactions_of(), items=items)
        assert "1 rows repeat an id" in found(evidence, checks.unique_ids)[0][1]


class TestCoverage:
    @pytest.mark.parametrize(("known", "severity"), [(10, None), (9, "warning"), (4, "error")])
    def test_severity_follows_the_rate(self, known, severity):
        """All known passes, some unknown warns, mostly unknown is of another stack."""
        items = table_of(schemas.ITEMS, [f"i{number}" for number in range(known)])
        findings = found(evidence_of(interactions_of(), items=items), checks.refer_to_known_rows)
        assert [one for one, _ in findings] == ([severity] if severity else [])

    def test_message_has_the_rate(self):
        """The reader learns how much is covered."""
        items = table_of(schemas.ITEMS, ["i0", "i1", "i2"])
        ((_, message),) = found(
            evidence_of(interactions_of(), items=items), checks.refer_to_known_rows
        )
        assert message.startswith("30.0% of interactions")

    def test_counts_interactions_not_ids(self):
        """An item that everybody plays weighs as much as its plays."""
        coverage = Coverage(Counter({"often": 99, "rare": 1}))
        coverage.observe(pa.table({"ITEM_ID": ["often"]}))
        assert coverage.share == 0.99


class TestFuture:
    def test_interaction_after_the_run_is_a_warning(self):
        """A producer whose clock is ahead shows."""
        assert found(evidence_of(interactions_of()), checks.not_from_the_future) == []
        early = evidence_of(interactions_of(), run_date="2026-02-28")
        ((severity, message),) = found(early, checks.not_from_the_future)
        assert severity == "warning"
        assert "2026-03-01" in message


class TestIncrement:
    def test_minimums_are_of_full_imports(self):
        """A few interactions that come to an import need no minimum; too few wait elsewhere."""
        small = evidence_of(interactions_of(2, 2))
        small.incremental = True
        assert found(small, checks.enough_interactions) == []
        assert found(small, checks.enough_repeat_users) == []

    def test_takes_a_gigabyte(self, good):
        """The limit of an increment is that of an INCREMENTAL import."""
        good.facts["interactions"].size = 10**9 + 1
        assert found(good, checks.within_size_limit) == []
        good.incremental = True
        ((severity, message),) = found(good, checks.within_size_limit)
        assert severity == "error"
        assert "takes 1000000000" in message


class TestArchive:
    def test_objects_that_cannot_be_read_are_a_warning(self, good):
        """What went to the archive before it was curated is missing until it is restored."""
        assert found(good, checks.nothing_archived_unread) == []
        good.unreadable = {"2025-01-02": 2, "2025-01-01": 1}
        ((severity, message),) = found(good, checks.nothing_archived_unread)
        assert severity == "warning"
        assert "3 objects of 2 days, the first 2025-01-01" in message


class TestTally:
    def test_adds_up_over_tables(self):
        """Seeing the rows in two tables is seeing them in one."""
        whole, halves = InteractionTally(), InteractionTally()
        table = interactions_of()
        whole.observe(table)
        for part in (table.slice(0, 500), table.slice(500), table.slice(0, 0)):
            halves.observe(part)
        for name in ("users", "items", "types", "first", "last", "repeat_users"):
            assert getattr(whole, name) == getattr(halves, name)
