"""PutEvents, PutItems, PutUsers: what counts, what counts once, what is refused."""

import json
import uuid

import pytest
from personalize_data import item_rows, listening_rows

from musicrec.local.personalize.interaction_log import InteractionLog, StreamedEvent

NOW = 1_800_000_000


def play(item="i0-00", at=NOW, **members):
    """One event on the wire."""
    return {"eventType": "play", "itemId": item, "sentAt": at} | members


def streamed(**members):
    """One event in the log."""
    base = {"user_id": "u", "session_id": "s", "item_id": "i", "timestamp": 1, "event_type": "play"}
    return StreamedEvent(**(base | members))


@pytest.fixture
def loaded(world):
    """A region with data and a tracker, untrained."""
    return world.load(items=item_rows())


class TestInteractionLog:
    def test_event_id_counts_once(self):
        """Whatever else differs."""
        log = InteractionLog()
        assert log.append([streamed(event_id="e"), streamed(event_id="e", item_id="j")]) == 1

    def test_equal_events_count_once(self):
        """Also under two event ids."""
        log = InteractionLog()
        assert (
            log.append([streamed(event_id="a"), streamed(event_id="b"), streamed(value=1.0)]) == 2
        )

    def test_session_is_merged_when_its_user_is_known(self):
        """Anonymous events belong to the session until one event names the user."""
        log = InteractionLog()
        log.append([streamed(user_id=None, item_id="x")])
        assert log.streamed() == []
        assert [event.item_id for event in log.streamed_of("s")] == ["x"]
        log.append([streamed(item_id="y")])
        assert [(user, event.item_id) for user, event in log.streamed()] == [("u", "x"), ("u", "y")]

    def test_mark_divides_old_from_new(self):
        """What came after a training is found by its mark."""
        log = InteractionLog()
        log.append([streamed(item_id="old")])
        mark = log.length
        log.append([streamed(item_id="new")])
        assert [event.item_id for event in log.streamed_of("u", mark)] == ["new"]
        assert log.table(mark).item_ids == ["old"]


class TestPutEvents:
    def test_time_is_rounded_down_and_value_kept(self, loaded):
        """The stored interaction is what an import would have made of it."""
        loaded.send("u", play(at=NOW + 0.999, eventValue=0.9731, eventType="complete"))
        (row,) = loaded.export(mode="PUT")
        assert row == {
            "USER_ID": "u",
            "ITEM_ID": "i0-00",
            "TIMESTAMP": str(NOW),
            "EVENT_TYPE": "complete",
            "EVENT_VALUE": "0.9731",
        }

    def test_streamed_copy_of_an_imported_interaction_is_one(self, loaded):
        """Counts agree however an event came."""
        rows = listening_rows()
        for user, item, when, kind, value in rows[:50]:
            extra = {} if value is None else {"eventValue": value}
            loaded.send(user, play(item, when, eventType=kind, eventId=str(uuid.uuid4()), **extra))
        assert len(loaded.export(mode="PUT", name="put")) == 50
        assert len(loaded.export(mode="ALL", name="all")) == len(rows)

    def test_retry_counts_once(self, loaded):
        """The same event id twice."""
        for _ in range(2):
            loaded.send("u", play(eventId="e1"))
        assert len(loaded.export(mode="PUT")) == 1

    def test_older_form_has_the_item_among_the_properties(self, loaded):
        """AWS's first notebook sends it so."""
        loaded.send(
            "u",
            {
                "eventType": "EVENT_TYPE",
                "sentAt": NOW,
                "properties": json.dumps({"itemId": "i0-01", "eventValue": 4}),
            },
        )
        (row,) = loaded.export(mode="PUT")
        assert (row["ITEM_ID"], row["EVENT_VALUE"]) == ("i0-01", "4")

    def test_impressions_and_recommendation_ids_are_accepted(self, loaded):
        """They do no harm where the schema has no column for them."""
        loaded.send("u", play(impression=["i0-01", "i0-02"], recommendationId="RID-1"))
        assert len(loaded.export(mode="PUT")) == 1

    @pytest.mark.parametrize(
        ("event", "text"),
        [
            ({"eventType": "play", "sentAt": NOW}, "itemId"),
            (play(properties="[]"), "JSON object"),
            (play(properties="{"), "not valid JSON"),
            (play(properties='{"userId": "x"}'), "userId"),
            (play(eventValue=1e300), "single precision"),
            (play(item="x" * 257), "256"),
        ],
    )
    def test_bad_event_is_refused_and_nothing_of_the_call_kept(self, loaded, event, text):
        """The message names the member."""
        with pytest.raises(loaded.events.exceptions.InvalidInputException, match=text):
            loaded.send("u", play("i0-05"), event)
        assert loaded.export(mode="PUT") == []

    def test_unknown_tracking_id_is_refused(self, loaded):
        """With the only exception that the operation declares."""
        with pytest.raises(loaded.events.exceptions.InvalidInputException, match="trackingId"):
            loaded.events.put_events(trackingId="none", sessionId="s", eventList=[play()])

    def test_ten_events_at_most(self, loaded):
        """The eleventh is refused by the service model."""
        with pytest.raises(loaded.events.exceptions.InvalidInputException, match="equal to 10"):
            loaded.send("u", *[play(at=NOW + n) for n in range(11)])

    def test_anonymous_session_is_personalized_by_its_id(self, music):
        """The session's id stands for the user's in the next request."""
        music.events.put_events(
            trackingId=music.arns["tracking_id"],
            sessionId="anonymous",
            eventList=[play(f"i2-{n:02}", NOW + n) for n in range(5)],
        )
        found = music.recommend(music.arns["campaign"], userId="anonymous", numResults=10)
        assert sum(item.startswith("i2") for item in found) >= 8

    def test_items_unknown_at_training_change_nothing(self, music):
        """They are kept, but wait for the next training."""
        campaign = music.arns["campaign"]
        before = music.recommend(campaign, userId="u030")
        music.send("u030", play("outside-the-catalogue", NOW))
        assert music.recommend(campaign, userId="u030") == before

    def test_events_outside_the_configuration_change_nothing(self, music):
        """A skip is no sign of liking, at request time as in training."""
        campaign = music.arns["campaign"]
        for user in [f"u{number:03}" for number in range(40, 60)]:  # exploration draws for each
            before = music.recommend(campaign, userId=user)
            music.send(user, play("i0-00", NOW, eventType="skip"))
            assert music.recommend(campaign, userId=user) == before

    def test_streamed_copy_of_the_history_changes_nothing(self, music):
        """Replaying what was imported is no new listening."""
        campaign, user = music.arns["campaign"], "u032"
        before = music.recommend(campaign, userId=user)
        rows = [row for row in listening_rows() if row[0] == user][-6:]
        for _, item, when, kind, value in rows:
            extra = {} if value is None else {"eventValue": value}
            music.send(user, play(item, when, eventType=kind, **extra))
        assert music.recommend(campaign, userId=user) == before


class TestPutMetadata:
    def test_put_item_is_seen_by_filters(self, loaded):
        """A changed genre counts at the next request."""
        campaign = loaded.campaign()
        kept = loaded.filter('INCLUDE ItemID WHERE Items.GENRE IN ("polka")')
        assert loaded.recommend(campaign, userId="u001", filterArn=kept) == []
        loaded.events.put_items(
            datasetArn=loaded.arns["Items"],
            items=[{"itemId": "i0-07", "properties": json.dumps({"genre": "polka", "tempo": 99})}],
        )
        assert loaded.recommend(campaign, userId="u001", filterArn=kept) == ["i0-07"]
        (row,) = loaded.export("Items", mode="PUT")
        assert (row["GENRE"], row["TEMPO"], row["YEAR"]) == ("polka", "99", "")

    def test_wrong_type_is_refused(self, loaded):
        """The message names the property."""
        with pytest.raises(loaded.events.exceptions.InvalidInputException, match="tempo"):
            loaded.events.put_items(
                datasetArn=loaded.arns["Items"],
                items=[{"itemId": "x", "properties": json.dumps({"tempo": "fast"})}],
            )

    def test_users_go_into_a_users_dataset(self, loaded):
        """Another dataset is refused, an unknown one not found."""
        users = [{"userId": "u1", "properties": json.dumps({"age": 20})}]
        with pytest.raises(loaded.events.exceptions.InvalidInputException, match="USERS"):
            loaded.events.put_users(datasetArn=loaded.arns["Items"], users=users)
        arn = loaded.dataset("Users")
        loaded.events.put_users(datasetArn=arn, users=users)
        (row,) = loaded.export("Users", mode="PUT")
        assert (row["USER_ID"], row["AGE"]) == ("u1", "20")
