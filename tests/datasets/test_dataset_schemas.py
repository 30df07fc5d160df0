import json

import pytest

from musicrec.catalog import AUDIO_FEATURES
from musicrec.datasets.schemas import INTERACTIONS, ITEMS, KINDS, SCHEMAS, USERS, Column
from musicrec.profile import Profile, features


class TestAvro:
    @pytest.mark.parametrize("kind", KINDS)
    def test_is_the_record_that_personalize_wants(self, kind):
        """Name, namespace and version are the service's, fields stand in the order of the CSV."""
        avro = json.loads(SCHEMAS[kind].avro())
        assert (avro["type"], avro["name"], avro["version"]) == ("record", kind.title(), "1.0")
        assert avro["namespace"] == "com.amazonaws.personalize.schema"
        assert [field["name"] for field in avro["fields"]] == list(SCHEMAS[kind].names)

    def test_interactions_are_those_that_the_stream_sends_too(self):
        """Five columns, of which only the value may be missing."""
        fields = json.loads(INTERACTIONS.avro())["fields"]
        assert fields == [
            {"name": "USER_ID", "type": "string"},
            {"name": "ITEM_ID", "type": "string"},
            {"name": "TIMESTAMP", "type": "long"},
            {"name": "EVENT_TYPE", "type": "string"},
            {"name": "EVENT_VALUE", "type": ["float", "null"]},
        ]

    @pytest.mark.parametrize("kind", ["users", "items"])
    def test_text_is_categorical(self, kind):
        """Own text columns train a model, since they are marked categorical."""
        own = [column for column in SCHEMAS[kind].columns[1:] if column.type == "string"]
        assert own
        assert all(column.categorical for column in own)

    def test_event_columns_are_not_own_metadata(self):
        """The reserved columns do not count against the limit of own columns."""
        assert not any(column.is_metadata for column in INTERACTIONS.columns)
        assert Column("DEVICE", "string").is_metadata


class TestColumns:
    def test_users_have_exactly_the_features_of_a_profile(self):
        """What the profile computes is what the schema declares, in the same order."""
        assert tuple(features(Profile(user_id="u"))) == USERS.names

    def test_items_have_every_audio_feature(self):
        """No audio feature of the catalogue is left behind."""
        assert {name.upper() for name in AUDIO_FEATURES} <= set(ITEMS.names)
