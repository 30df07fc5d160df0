"""Schemas: Avro checks, reserved columns, required columns, and the operations on them."""

import json

import pytest
from personalize_data import INTERACTIONS, ITEMS, avro

from musicrec.local.personalize import avro as rules
from musicrec.local.personalize.errors import InvalidInputError

BASE = ("USER_ID:string", "ITEM_ID:string", "TIMESTAMP:long")


class TestParse:
    def test_columns_keep_their_order_and_types(self):
        """A union with null may stand in either order."""
        text = json.loads(ITEMS)
        text["fields"][2]["type"] = ["float", "null"]
        schema = rules.parse(json.dumps(text))
        assert [(f.name, f.type, f.nullable, f.categorical) for f in schema.fields] == [
            ("ITEM_ID", "string", False, False),
            ("GENRE", "string", True, True),
            ("TEMPO", "float", True, False),
            ("YEAR", "int", True, False),
        ]

    @pytest.mark.parametrize(
        ("schema", "text"),
        [
            ("{", "not valid JSON"),
            ("[]", "record"),
            (avro("Interactions", *BASE, type="enum"), "record"),
            (avro("Interactions", *BASE, namespace="mine"), "namespace"),
            (avro("Interactions", *BASE, version=None), "version"),
            (avro("Interactions", *BASE, version=["1.0"]), "version"),
            (avro("Interactions"), "non-empty list of fields"),
            (avro("sth", *BASE), "'sth'"),
            (avro("Interactions", *BASE[:2]), "TIMESTAMP"),
            (avro("Interactions", *BASE, "EVENT_TYPE:string|"), "EVENT_TYPE"),
            (avro("Interactions", *BASE, "EVENT_VALUE:string"), "EVENT_VALUE of INTERACTIONS"),
            (avro("Interactions", "USER_ID:string?", *BASE[1:]), "cannot be null"),
            (avro("Interactions", *BASE, *[f"M{n}:string" for n in range(6)]), "6 metadata fields"),
            (avro("Interactions", *BASE, "A:map"), "has the type 'map'"),
            (avro("Interactions", *BASE, "A_B:string", "AB:string"), "A_B, AB"),
            (avro("Interactions", *BASE, "A:int|"), "not a string"),
            (avro("Interactions", *BASE, "A-B:int"), "'A-B'"),
            (avro("Items", "ITEM_ID:string"), "at least one metadata field"),
            (avro("Users", "USER_ID:string", *[f"M{n}:int" for n in range(26)]), "26 metadata"),
        ],
    )
    def test_rule_that_is_broken_is_named(self, schema, text):
        """Each rule of the dataset type has its message."""
        with pytest.raises(InvalidInputError, match=text):
            rules.parse(schema)

    @pytest.mark.parametrize("version", ["1.0", "1.1", 1])
    def test_any_version_will_do(self, version):
        """AWS takes what its samples send: 1.0, 1.1 and the number 1."""
        assert rules.parse(avro("Interactions", *BASE, version=version)).kind == "INTERACTIONS"

    def test_field_is_found_in_any_case(self):
        """Filters name fields in any case."""
        assert rules.parse(ITEMS).field("genre").name == "GENRE"
        assert rules.parse(ITEMS).field("mood") is None


class TestOperations:
    def test_schema_comes_back_as_the_same_string(self, world):
        """Describe gives what create got, with times."""
        arn = world.control.create_schema(name="plays", schema=INTERACTIONS)["schemaArn"]
        found = world.control.describe_schema(schemaArn=arn)["schema"]
        assert (found["name"], found["schema"]) == ("plays", INTERACTIONS)
        assert found["creationDateTime"] == found["lastUpdatedDateTime"]

    def test_name_can_be_used_once(self, world):
        """The second schema of a name is refused."""
        world.control.create_schema(name="plays", schema=INTERACTIONS)
        with pytest.raises(world.control.exceptions.ResourceAlreadyExistsException):
            world.control.create_schema(name="plays", schema=INTERACTIONS)

    def test_schema_in_use_cannot_be_deleted(self, world):
        """A dataset holds its schema; afterwards it goes."""
        world.group()
        dataset = world.dataset("Interactions")
        schema = world.control.describe_dataset(datasetArn=dataset)["dataset"]["schemaArn"]
        with pytest.raises(world.control.exceptions.ResourceInUseException, match="dataset/music"):
            world.control.delete_schema(schemaArn=schema)
        world.control.delete_dataset(datasetArn=dataset)
        world.control.delete_schema(schemaArn=schema)
        with pytest.raises(world.control.exceptions.ResourceNotFoundException):
            world.control.describe_schema(schemaArn=schema)

    def test_listing_goes_on_where_the_page_ended(self, world):
        """Pages are whole although a schema goes between them."""
        arns = [
            world.control.create_schema(name=f"s{n}", schema=INTERACTIONS)["schemaArn"]
            for n in range(5)
        ]
        first = world.control.list_schemas(maxResults=2)
        world.control.delete_schema(schemaArn=arns[0])
        second = world.control.list_schemas(nextToken=first["nextToken"])
        listed = [entry["schemaArn"] for entry in first["schemas"] + second["schemas"]]
        assert listed == arns
        assert "nextToken" not in second

    def test_paginator_of_boto3_sees_all(self, world):
        """boto3's own paginator follows the tokens."""
        for n in range(5):
            world.control.create_schema(name=f"s{n}", schema=INTERACTIONS)
        pages = world.control.get_paginator("list_schemas").paginate(
            PaginationConfig={"PageSize": 2}
        )
        assert [len(page["schemas"]) for page in pages] == [2, 2, 1]

    @pytest.mark.parametrize("token", ["nonsense", "W10=", "WyJyZWNpcGVzIiwgMV0="])
    def test_foreign_token_is_refused(self, world, token):
        """A token of another listing, or none at all, is no token."""
        with pytest.raises(world.control.exceptions.InvalidNextTokenException):
            world.control.list_schemas(nextToken=token)
