"""What stands, what it costs, how fresh it is, and lists kept from day to day."""

from datetime import UTC, datetime, timedelta

import pytest
from aws_world import DEPLOYMENT

from musicrec.personalize import (
    campaigns,
    cost,
    experiments,
    filters,
    foundation,
    freshness,
    snapshots,
    solutions,
    standing,
    teardown,
)
from musicrec.personalize.experiments import Experiment
from musicrec.personalize.freshness import NothingImportedError, NotTrainedError

RECIPE = "aws-user-personalization-v2"
SOLUTION = "musicrec-user-personalization-v2"
RUN_DATE = "2026-03-02"


@pytest.fixture
def version(aws, imported):
    """A trained version behind the stack's campaign, with the stack's filter."""
    solution = solutions.ensure(
        aws.clients, imported, SOLUTION, RECIPE, event_weights=solutions.EVENT_WEIGHTS
    )
    trained = solutions.train(aws.clients, solution)
    campaigns.ensure(aws.clients, DEPLOYMENT, trained)
    filters.ensure_no_skips(aws.clients, DEPLOYMENT, imported)
    return trained


def by_name(rows, kind):
    return {row.step.name: row for row in rows if row.step.kind == kind}


class TestStanding:
    @pytest.mark.usefixtures("version")
    def test_nothing_idle_in_a_stack_that_is_used(self, aws):
        """The published campaign, its solution and the published filter are needed."""
        rows = standing.look(aws.clients, DEPLOYMENT, 1000)
        assert [row.step for row in rows] == teardown.plan(aws.clients, DEPLOYMENT)
        assert not [row.step.name for row in rows if row.idle]

    @pytest.mark.usefixtures("version")
    def test_a_campaign_costs_its_minimum_at_most(self, aws):
        """A v2 campaign that nobody asks costs nothing, or its minimum: that is disputed."""
        rows = standing.look(aws.clients, DEPLOYMENT, 1000)
        floor = cost.HOURS_A_MONTH * cost.TPS_HOUR
        assert standing.dollars_a_month(rows) == (0.0, floor)
        (campaign,) = by_name(rows, "campaign").values()
        assert campaign.dollars_at_most == floor
        assert "asked by the recommendations API" in campaign.note

    def test_a_second_campaign_is_idle(self, aws, version):
        """A campaign that the API does not use bills without use."""
        campaigns.ensure(aws.clients, DEPLOYMENT, version, name="forgotten", min_tps=2)
        found = by_name(standing.look(aws.clients, DEPLOYMENT, 1000), "campaign")
        assert [name for name, row in found.items() if row.idle] == ["forgotten"]
        assert found["forgotten"].dollars_at_most == 2 * found["musicrec"].dollars_at_most

    def test_the_campaign_of_an_experiment_is_used(self, aws, version):
        """It serves its arm; once the experiment ends it is idle."""
        arn = campaigns.ensure(aws.clients, DEPLOYMENT, version, name="arm-b")
        experiment = Experiment(name="b", campaign_arn=arn)
        experiments.start(aws.clients.ssm, DEPLOYMENT, experiment)

        def idle():
            found = by_name(standing.look(aws.clients, DEPLOYMENT, 1000), "campaign")
            return [name for name, row in found.items() if row.idle]

        assert idle() == []
        experiments.end(aws.clients.ssm, DEPLOYMENT)
        assert idle() == ["arm-b"]

    @pytest.mark.usefixtures("version")
    def test_solutions_without_use_are_idle(self, aws, imported):
        """One was never trained, another trained for no campaign."""
        solutions.ensure(aws.clients, imported, "untrained", RECIPE)
        trained = solutions.ensure(aws.clients, imported, "trained", "aws-popularity-count")
        solutions.train(aws.clients, trained)
        found = by_name(standing.look(aws.clients, DEPLOYMENT, 1000), "solution")
        notes = {name: row.note for name, row in found.items() if row.idle}
        assert notes == {
            "untrained": "was never trained", "trained": "no campaign answers from it",
        }  # fmt: skip

    def test_automatic_training_is_counted(self, aws, imported):
        """A solution that trains by itself costs a training a week."""
        aws.clients.personalize.create_solution(
            name="by-itself",
            datasetGroupArn=imported.dataset_group_arn,
            recipeArn=solutions.recipe_arn(RECIPE),
            performAutoTraining=True,
        )
        (row,) = by_name(standing.look(aws.clients, DEPLOYMENT, 1_000_000), "solution").values()
        assert row.dollars == pytest.approx(
            cost.of_training(1_000_000).once * 365 / 12 / 7, rel=1e-3
        )
        assert "every week" in row.note

    @pytest.mark.usefixtures("version")
    def test_a_filter_of_somebody_elses_is_idle(self, aws, imported):
        """The API uses those that are published."""
        filters.ensure(
            aws.clients, imported, "other", 'INCLUDE ItemID WHERE Items.GENRES IN ("rock")'
        )
        found = by_name(standing.look(aws.clients, DEPLOYMENT, 1000), "filter")
        assert [name for name, row in found.items() if row.idle] == ["other"]

    def test_nothing_stands_where_nothing_was_made(self, aws):
        """An empty account has no resources and no costs."""
        assert standing.look(aws.clients, DEPLOYMENT, 1000) == []

    @pytest.mark.usefixtures("version")
    def test_two_looks_see_the_same_order(self, aws, monkeypatch):
        """SSM gives parameters in any order; a plan lists them by name."""
        for key in ("experiment", "on_request_filter_arn"):
            name = f"/{DEPLOYMENT.name}/{key}"
            aws.clients.ssm.put_parameter(Name=name, Value="x", Type="String")
        asked = aws.clients.ssm.get_parameters

        def reversed_answer(**names):
            answer = asked(**names)
            rows = sorted(answer["Parameters"], key=lambda row: row["Name"], reverse=True)
            return {**answer, "Parameters": rows}

        monkeypatch.setattr(aws.clients.ssm, "get_parameters", reversed_answer)
        names = list(by_name(standing.look(aws.clients, DEPLOYMENT, 1000), "parameter"))
        assert names == sorted(names)
        assert len(names) == len(teardown.PARAMETERS)


class TestFreshness:
    @pytest.mark.usefixtures("version")
    def test_knows_the_import_and_what_came_later(self, aws, imported):
        """The model knows the build; days that only the lake has are unseen."""
        found = freshness.look(aws.clients, DEPLOYMENT, imported, SOLUTION)
        assert found.run_date == RUN_DATE
        assert found.knows_the_import
        assert found.newest_day == max(found.days)
        assert found.unseen({**found.days, "2026-03-09": 12}) == {"2026-03-09": 12}
        assert found.age_in_days(found.trained_at + timedelta(days=3, hours=5)) == 3
        assert found.age_in_days(found.trained_at - timedelta(days=3)) == 0

    @pytest.mark.usefixtures("version")
    def test_an_import_after_the_training_is_noticed(self, aws, imported):
        """Whoever imports and does not train answers from what was."""
        found = freshness.look(aws.clients, DEPLOYMENT, imported, SOLUTION)
        late = freshness.Freshness(
            run_date=found.run_date,
            days=found.days,
            imported_at=found.trained_at + timedelta(seconds=1),
            trained_at=found.trained_at,
        )
        assert not late.knows_the_import

    def test_without_an_import_or_a_training_the_next_step_is_named(self, aws, imported):
        """The errors say which notebook is to be run."""
        with pytest.raises(
            NotTrainedError, match=r"musicrec-x has no trained version.*notebook 05"
        ):
            freshness.look(aws.clients, DEPLOYMENT, imported, "musicrec-x")

    def test_nothing_imported(self, aws):
        """A foundation alone has no age."""
        bare = foundation.ensure(aws.clients, DEPLOYMENT)
        with pytest.raises(NothingImportedError, match="notebook 04"):
            freshness.look(aws.clients, DEPLOYMENT, bare, SOLUTION)

    def test_days_of_nothing_have_no_newest(self):
        """A build without interactions has no newest day."""
        now = datetime(2026, 3, 2, tzinfo=UTC)
        empty = freshness.Freshness(run_date=RUN_DATE, days={}, imported_at=now, trained_at=now)
        assert empty.newest_day == ""


class TestSnapshots:
    def test_the_newest_earlier_day_is_found(self, aws):
        """Lists of the day itself, and of later ones, are not before it."""
        s3, bucket = aws.clients.s3, DEPLOYMENT.bucket
        assert snapshots.before(s3, bucket, "2026-03-03") is None
        for day in ("2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"):
            snapshots.save(s3, bucket, day, {"Zoë": [day]})
        found = snapshots.before(s3, bucket, "2026-03-03")
        assert found == snapshots.Snapshot(day="2026-03-02", lists={"Zoë": ["2026-03-02"]})

    def test_a_second_run_of_a_day_replaces_the_first(self, aws):
        """One list a listener is kept for a day."""
        s3, bucket = aws.clients.s3, DEPLOYMENT.bucket
        snapshots.save(s3, bucket, "2026-03-01", {"a": ["x"]})
        snapshots.save(s3, bucket, "2026-03-01", {"a": ["y"]})
        found = snapshots.before(s3, bucket, "2026-03-02")
        assert found
        assert found.lists == {"a": ["y"]}
