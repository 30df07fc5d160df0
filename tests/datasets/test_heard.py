from datetime import date, timedelta

import msgspec
import pytest
from aws_world import BUCKET, DEPLOYMENT, known_tracks, listening, track_id

from musicrec import events, popular
from musicrec.datasets import daily, heard, popular_list
from musicrec.datasets.heard import DayHeard
from musicrec.events import EventType
from musicrec.popular import PopularList

RUN_DATE = "2026-03-02"


@pytest.fixture
def happened(aws, tmp_path):
    """Forty listeners for a week, 30 tracks of which 20 are known."""
    made = listening()
    aws.hear(made, tmp_path)
    return made


def expected(happened, run_date=RUN_DATE):
    """The oracle: a track counts once a listener and day, when it was heard to its end."""
    since = date.fromisoformat(run_date) - timedelta(days=27)
    ended = {
        (event.occurred_on, event.user_id, event.track_id)
        for event in happened
        if event.event_type is EventType.COMPLETE
        and since.isoformat() <= event.occurred_on <= run_date
    }
    counts = {}
    for _, _, track in ended:
        counts[track] = counts.get(track, 0) + 1
    return counts


def standing(aws):
    return msgspec.json.decode(aws.read("catalog/popular.json"), type=PopularList)


class TestDailyBuild:
    def test_what_was_heard_comes_first(self, aws, happened):
        """Tracks by how many listeners heard them to their end on how many days; skips count not."""
        daily.write(aws.clients, DEPLOYMENT, RUN_DATE)
        made = standing(aws)
        counts = expected(happened)
        assert {track.track_id: track.heard for track in made.tracks} == {
            **counts, **{track.track_id: 0 for track in known_tracks() if track.track_id not in counts},
        }  # fmt: skip
        order = [(-track.heard, track.track_id) for track in made.tracks]
        assert order == sorted(order)
        assert (made.until, made.days) == (max(e.occurred_on for e in happened), len(
            {event.occurred_on for event in happened}
        ))  # fmt: skip

    @pytest.mark.usefixtures("happened")
    def test_names_come_from_catalogue_and_events(self, aws):
        """A track that the catalogue lacks is named as its events did."""
        daily.write(aws.clients, DEPLOYMENT, RUN_DATE)
        named = {track.track_id: track for track in standing(aws).tracks}
        assert named[track_id(4)].name == "Song 4"
        assert named[track_id(4)].genres == ("ambient", "techno")
        assert named[track_id(25)].artists == ("Björk",)
        assert named[track_id(25)].explicit is None

    @pytest.mark.usefixtures("happened")
    def test_a_second_build_reads_no_day_again(self, aws, monkeypatch):
        """Days whose generation was counted are taken from what was kept; nothing is rewritten."""
        daily.write(aws.clients, DEPLOYMENT, RUN_DATE)
        etags = [aws.clients.s3.head_object(Bucket=BUCKET, Key=key)["LastModified"] for key in (
            heard.KEY, popular_list.POPULAR_KEY,
        )]  # fmt: skip
        counted = []
        monkeypatch.setattr(heard, "by_arrow", lambda _, days: counted.extend(days))
        daily.write(aws.clients, DEPLOYMENT, RUN_DATE)
        assert counted == []
        assert etags == [
            aws.clients.s3.head_object(Bucket=BUCKET, Key=key)["LastModified"]
            for key in (heard.KEY, popular_list.POPULAR_KEY)
        ]

    def test_the_window_moves_on(self, aws, happened):
        """A month later nothing of it counts, and the catalogue's popular tracks stand there."""
        daily.write(aws.clients, DEPLOYMENT, RUN_DATE)
        days = sorted({event.occurred_on for event in happened})
        later = (date.fromisoformat(days[1]) + timedelta(days=28)).isoformat()
        daily.write(aws.clients, DEPLOYMENT, later)
        assert {t.track_id: t.heard for t in standing(aws).tracks if t.heard} == expected(
            happened, later
        )
        daily.write(aws.clients, DEPLOYMENT, "2026-06-01")
        made = standing(aws)
        assert (made.until, made.days) == (None, 0)
        assert [track.track_id for track in made.tracks][:2] == [track_id(19), track_id(18)]

    @pytest.mark.usefixtures("happened")
    def test_late_events_are_counted(self, aws):
        """A day that is written again is counted again."""
        daily.write(aws.clients, DEPLOYMENT, RUN_DATE)
        before = standing(aws)
        late = [
            msgspec.structs.replace(
                event,
                user_id=f"late-{event.user_id}",
                event_id=events.new_event_id("late", event.event_id),
            )
            for event in listening()
        ]
        aws.put_in_lake(late)
        daily.write(aws.clients, DEPLOYMENT, RUN_DATE)
        assert sum(t.heard for t in standing(aws).tracks) > sum(t.heard for t in before.tracks)


class TestCounts:
    def test_broken_counts_are_made_anew(self, aws, happened):
        """What an earlier version kept in another shape costs a recount, not the build."""
        aws.clients.s3.put_object(Bucket=BUCKET, Key=heard.KEY, Body=b'{"x": 1}')
        aws.clients.s3.put_object(Bucket=BUCKET, Key=popular_list.POPULAR_KEY, Body=b"{oops")
        daily.write(aws.clients, DEPLOYMENT, RUN_DATE)
        assert sum(track.heard for track in standing(aws).tracks) == sum(
            expected(happened).values()
        )

    def test_days_add_up(self):
        """The window's count of a track is the sum of its days'."""
        days = {"a": DayHeard(1, {"x": 2, "y": 1}), "b": DayHeard(3, {"x": 1})}
        assert heard.total(days) == {"x": 3, "y": 1}


class TestCompose:
    def test_it_can_be_full(self):
        """Of more tracks than are listed the most heard stay, equals by id."""
        counts = {f"{number:06}": 1 + (number == 9_000) for number in range(10_000)}
        made = popular_list.compose(counts, {}, [])
        assert len(made.tracks) == popular.LENGTH
        assert [track.track_id for track in made.tracks[:2]] == ["009000", "000000"]
