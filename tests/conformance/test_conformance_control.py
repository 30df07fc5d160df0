"""Resources that need no data: made, described, listed, refused, deleted."""

import pytest
from botocore.exceptions import ClientError
from personalize_data import INTERACTIONS, ITEMS, SCHEMAS, avro

operation = pytest.mark.operation


class TestSchemas:
    @operation("CreateSchema", "DescribeSchema")
    def test_schema_comes_back_as_the_same_text(self, target):
        """The schema is described as the text that was sent."""
        arn = target.schema(ITEMS, "text")
        assert arn.endswith(f":schema/{target.name('text')}")
        assert target.control.describe_schema(schemaArn=arn)["schema"]["schema"] == ITEMS

    @operation("CreateSchema")
    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("{", id="no JSON"),
            pytest.param(avro("Interactions", "USER_ID:string"), id="required fields missing"),
            pytest.param(
                avro("Items", "ITEM_ID:string", "A_B:string|?", "AB:string|?"),
                id="names that differ in underscores only",
            ),
        ],
    )
    def test_text_that_is_no_schema_is_refused(self, target, text):
        """A bad schema is refused with InvalidInputException."""
        with pytest.raises(target.control.exceptions.InvalidInputException):
            target.control.create_schema(name=target.name("bad"), schema=text)

    @operation("DescribeSchema", "DeleteSchema")
    def test_unknown_schema_is_not_found(self, target):
        """An unknown schema is a ResourceNotFoundException."""
        arn = target.schema(ITEMS, "gone")
        target.control.delete_schema(schemaArn=arn)
        missing = target.control.exceptions.ResourceNotFoundException
        for call in (target.control.describe_schema, target.control.delete_schema):
            with pytest.raises(missing):
                call(schemaArn=arn)

    @operation("ListSchemas")
    def test_pages_are_whole(self, target):
        """Pages of one show each schema once, and a foreign token is refused."""
        wanted = {target.schema(ITEMS, f"page-{n}") for n in range(3)}
        pages = target.control.get_paginator("list_schemas").paginate(
            PaginationConfig={"PageSize": 1}
        )
        shown = [entry["schemaArn"] for page in pages for entry in page["schemas"]]
        assert wanted <= set(shown)
        assert len(shown) == len(set(shown))
        with pytest.raises(target.control.exceptions.InvalidNextTokenException):
            target.control.list_schemas(nextToken="bm90IG91cnM=")


class TestDatasets:
    @operation("CreateDataset", "DescribeDataset", "DeleteDataset", "DeleteSchema")
    def test_schema_in_use_stays(self, target, group):
        """A schema that a dataset uses is not deletable; the ARN has the group and the type."""
        arn = target.dataset(group, "Users", "held")
        found = target.control.describe_dataset(datasetArn=arn)["dataset"]
        assert arn.endswith(f":dataset/{target.name('empty')}/USERS")
        assert found["datasetType"].upper() == "USERS"
        with pytest.raises(target.control.exceptions.ResourceInUseException):
            target.control.delete_schema(schemaArn=found["schemaArn"])

    @operation("CreateDataset")
    def test_group_has_one_of_a_type(self, target, music):
        """A second dataset of a type is refused with ResourceAlreadyExistsException."""
        schema = target.schema(INTERACTIONS, "second")
        with pytest.raises(target.control.exceptions.ResourceAlreadyExistsException):
            target.control.create_dataset(
                name=target.name("second"),
                schemaArn=schema,
                datasetGroupArn=music.group,
                datasetType="interactions",
            )

    @operation("UpdateDataset")
    def test_interactions_keep_their_schema(self, target, music):
        """Only Items and Users datasets take another schema."""
        schema = target.schema(SCHEMAS["Interactions"], "other")
        with pytest.raises(target.control.exceptions.InvalidInputException):
            target.control.update_dataset(
                datasetArn=music.datasets["Interactions"], schemaArn=schema
            )

    @operation("UpdateDataset")
    def test_old_fields_must_stay(self, target, music):
        """A schema that drops a field is refused with InvalidInputException."""
        schema = target.schema(avro("Items", "ITEM_ID:string", "GENRE:string|?"), "narrower")
        with pytest.raises(target.control.exceptions.InvalidInputException):
            target.control.update_dataset(datasetArn=music.datasets["Items"], schemaArn=schema)

    @operation("DeleteDatasetGroup")
    def test_group_with_datasets_stays(self, target, music):
        """A dataset group with datasets is not deletable."""
        with pytest.raises(target.control.exceptions.ResourceInUseException):
            target.control.delete_dataset_group(datasetGroupArn=music.group)

    @operation("DeleteDataset")
    def test_tracker_holds_the_interactions(self, target, music):
        """An Interactions dataset with an event tracker is not deletable."""
        with pytest.raises(target.control.exceptions.ResourceInUseException):
            target.control.delete_dataset(datasetArn=music.datasets["Interactions"])


class TestFilters:
    @operation("CreateFilter")
    @pytest.mark.parametrize(
        "expression",
        [
            pytest.param("INCLUDE ItemID WHERE", id="ends early"),
            pytest.param('INCLUDE ItemID WHERE Items.MOOD IN ("x")', id="unknown field"),
            pytest.param(
                "INCLUDE ItemID WHERE Items.GENRE NOT IN ($G)", id="placeholder in NOT IN"
            ),
        ],
    )
    def test_bad_expression_is_refused(self, target, music, expression):
        """An expression that could never work is refused with InvalidInputException."""
        with pytest.raises(target.control.exceptions.InvalidInputException):
            target.control.create_filter(
                name=target.name("bad"), datasetGroupArn=music.group, filterExpression=expression
            )

    @operation("ListFilters")
    def test_list_has_a_capital(self, target, music):
        """The list is the member Filters."""
        kept = target.filter(music.group, "INCLUDE ItemID WHERE Items.YEAR > 1", "listed")
        found = target.control.list_filters(datasetGroupArn=music.group)["Filters"]
        assert kept in [entry["filterArn"] for entry in found]


class TestRecipes:
    @operation("ListRecipes")
    def test_list_is_alphabetical(self, target):
        """Recipes are listed by name over all pages."""
        pages = target.control.get_paginator("list_recipes").paginate()
        names = [entry["name"] for page in pages for entry in page["recipes"]]
        assert names == sorted(names)
        assert {"aws-sims", "aws-user-personalization-v2"} <= set(names)

    @operation("DescribeRecipe", "DescribeAlgorithm", "DescribeFeatureTransformation")
    def test_recipe_leads_to_its_algorithm(self, target):
        """The ARNs in a recipe can be described."""
        recipe = target.control.describe_recipe(
            recipeArn="arn:aws:personalize:::recipe/aws-user-personalization"
        )["recipe"]
        algorithm = target.control.describe_algorithm(algorithmArn=recipe["algorithmArn"])
        assert "hidden_dimension" in algorithm["algorithm"]["defaultHyperParameters"]
        target.control.describe_feature_transformation(
            featureTransformationArn=recipe["featureTransformationArn"]
        )


class TestTags:
    @operation("TagResource", "UntagResource", "ListTagsForResource")
    def test_tags_come_and_go(self, target, group):
        """A tag is replaced by its key and removed by it."""
        one, two = {"tagKey": "a", "tagValue": "1"}, {"tagKey": "a", "tagValue": "2"}
        for tag in (one, two):
            target.control.tag_resource(resourceArn=group, tags=[tag])
        tags = target.control.list_tags_for_resource(resourceArn=group)["tags"]
        assert tags == [two]
        target.control.untag_resource(resourceArn=group, tagKeys=["a"])
        assert target.control.list_tags_for_resource(resourceArn=group)["tags"] == []


class TestDatasetGroups:
    @operation("CreateDatasetGroup", "DescribeDatasetGroup", "ListDatasetGroups")
    def test_group_is_described_and_listed(self, target, group):
        """A dataset group is described by its ARN, which has its name, and listed."""
        found = target.control.describe_dataset_group(datasetGroupArn=group)["datasetGroup"]
        assert found["status"] == "ACTIVE"
        assert group.endswith(f":dataset-group/{found['name']}")
        pages = target.control.get_paginator("list_dataset_groups").paginate()
        assert group in [
            entry["datasetGroupArn"] for page in pages for entry in page["datasetGroups"]
        ]

    @operation("CreateDatasetGroup")
    def test_role_and_key_belong_together(self, target):
        """A role without a key is refused with InvalidInputException."""
        with pytest.raises(target.control.exceptions.InvalidInputException):
            target.control.create_dataset_group(
                name=target.name("role-alone"), roleArn=target.role_arn
            )


class TestEventTrackers:
    @operation("CreateEventTracker")
    def test_group_has_one(self, target, music):
        """A second event tracker of a dataset group is refused."""
        with pytest.raises(ClientError):
            target.control.create_event_tracker(
                name=target.name("second"), datasetGroupArn=music.group
            )

    @operation("DescribeEventTracker", "ListEventTrackers")
    def test_tracker_tells_its_tracking_id(self, target, music):
        """The listed tracker of the group has the tracking id that create gave."""
        listed = target.control.list_event_trackers(datasetGroupArn=music.group)["eventTrackers"]
        assert len(listed) == 1
        found = target.control.describe_event_tracker(eventTrackerArn=listed[0]["eventTrackerArn"])[
            "eventTracker"
        ]
        assert found["trackingId"] == music.tracking_id
        assert found["datasetGroupArn"] == music.group


class TestListings:
    @operation("ListDatasets", "ListDatasetImportJobs")
    def test_listings_can_be_narrowed(self, target, music):
        """A listing by parent shows the parent's only."""
        datasets = target.control.list_datasets(datasetGroupArn=music.group)["datasets"]
        assert {entry["datasetArn"] for entry in datasets} == set(music.datasets.values())
        jobs = target.control.list_dataset_import_jobs(datasetArn=music.datasets["Users"])
        assert [entry["status"] for entry in jobs["datasetImportJobs"]] == ["ACTIVE"]

    @operation("DescribeFilter", "DeleteFilter")
    def test_deleted_filter_is_gone(self, target, music):
        """A filter is described with its expression until it is deleted."""
        expression = "INCLUDE ItemID WHERE Items.YEAR > 3"
        arn = target.filter(music.group, expression, "leaving")
        found = target.control.describe_filter(filterArn=arn)["filter"]
        assert found["filterExpression"] == expression
        target.control.delete_filter(filterArn=arn)

        def gone():
            try:
                target.control.describe_filter(filterArn=arn)
            except target.control.exceptions.ResourceNotFoundException:
                return True
            return False

        target.until(gone)
