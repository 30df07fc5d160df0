"""The files that both deployers read."""

import itertools
import json
import re
from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from musicrec import events, stack
from musicrec.personalize import answers, question, teardown
from musicrec.processor import curated

SETTINGS = {
    "name": "tunes",
    "poison_queue_url": "https://queue/tunes-poison",
    "profile_table": "tunes-profiles",
    "catalog_uri": "s3://bucket/catalog/catalog.sqlite",
}
API = {
    "name": "tunes",
    "region": "eu-west-1",
    "stream_name": "tunes-events",
    "gateway_role_arn": "arn:aws:iam::1:role/tunes-apigateway",
    "recommendations_function_arn": "arn:aws:lambda:eu-west-1:1:function:tunes-recommendations",
}
POLICY = {
    name: f"<{name}>"
    for name in (
        "name",
        "region",
        "account_id",
        "stream_arn",
        "poison_queue_arn",
        "profile_table_arn",
        "bucket_arn",
        "personalize_role_arn",
    )
}
TRACES = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
"""X-Ray knows no resources for these (Service Authorization Reference)."""
NAMES = stack.StackNames("tunes", "eu-west-1", "123456789012")


PARTS = sorted(
    path.stem
    for path in (stack.INFRA_DIRECTORY / "policies").glob("*.json")
    if path.stem != "assume-role"
)


@pytest.fixture(scope="module")
def document():
    return stack.api_document(API)


class TestRender:
    def test_fills_in_every_placeholder(self):
        """Each placeholder becomes its value, wherever it stands."""
        assert stack.render("${a}-${b}/${a}", {"a": "1", "b": "2"}) == "1-2/1"

    def test_leaves_other_dollars_alone(self):
        """VTL names, regular expressions and Firehose expressions are no placeholders."""
        text = "$input.path('$.x') ^a{22}$ !{timestamp:yyyy}"
        assert stack.render(text, {}) == text

    def test_unknown_placeholder_is_refused_by_name(self):
        """A placeholder without a value is named."""
        with pytest.raises(stack.TemplateVariableError, match="stream_nam"):
            stack.render("${stream_nam}", {"stream_name": "x"})

    def test_unused_variable_is_refused_by_name(self):
        """A variable that the template does not use is named, unless that is allowed."""
        with pytest.raises(stack.TemplateVariableError, match="region"):
            stack.render("plain", {"region": "x"})
        assert stack.render("plain", {"region": "x"}, partial=True) == "plain"

    @given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.text(), min_size=1))
    def test_values_are_not_rendered_again(self, variables):
        """What a value contains is taken literally, placeholders included."""
        template = "|".join(f"${{{name}}}" for name in variables)
        assert stack.render(template, variables) == "|".join(variables.values())


class TestSettings:
    def test_every_function_has_its_settings(self):
        """The four functions are named after the stack and get the contract's environment."""
        functions = stack.settings(SETTINGS).functions
        assert {key: function.name for key, function in functions.items()} == {
            "hot_path": "tunes-hot-path",
            "profile_builder": "tunes-profile-builder",
            "dataset_builder": "tunes-dataset-builder",
            "recommendations": "tunes-recommendations",
        }
        environment = functions["profile_builder"].environment
        assert environment["PROFILE_TABLE"] == "tunes-profiles"
        assert environment["CATALOG_URI"] == SETTINGS["catalog_uri"]
        assert functions["hot_path"].environment["TRACKING_ID_PARAMETER"] == "/tunes/tracking_id"
        assert functions["dataset_builder"].environment["STACK"] == "tunes"

    def test_mappings_belong_to_functions(self):
        """Each event source mapping is keyed by a function, within Lambda's limits."""
        settings = stack.settings(SETTINGS)
        assert set(settings.event_source_mappings) == {"hot_path", "profile_builder"}
        for key, mapping in settings.event_source_mappings.items():
            assert key in settings.functions
            assert 1 <= mapping.batch_size <= 10_000
            assert mapping.function_response_types == ["ReportBatchItemFailures"]

    def test_lake_ages_into_ever_colder_classes(self):
        """Transitions come in the order and at least 30 days apart, as S3 demands."""
        transitions = stack.settings(SETTINGS).lake.transitions
        days = [transition.days for transition in transitions]
        assert [t.storage_class for t in transitions] == ["STANDARD_IA", "GLACIER", "DEEP_ARCHIVE"]
        assert all(later - earlier >= 30 for earlier, later in itertools.pairwise(days))

    def test_partition_key_is_what_the_query_makes(self):
        """Firehose's prefix, its query and the Glue table agree on the partition key."""
        settings = stack.settings(SETTINGS)
        key = settings.lake.partition_key
        assert stack.partition_query().startswith(f"{{{key}:")
        assert settings.delivery.prefix == (
            f"{settings.lake.prefix}{key}=!{{partitionKeyFromQuery:{key}}}/"
        )

    def test_columns_are_those_of_the_code(self):
        """What Terraform gives the Glue tables is what the events and the daily build write."""
        columns = json.loads((stack.INFRA_DIRECTORY / "columns.json").read_text(encoding="utf-8"))
        assert columns == {"raw": events.glue_columns(), "curated": curated.glue_columns()}

    def test_parameters_are_those_that_teardown_empties(self):
        """Every parameter that names something of Personalize is deployed, and no other."""
        assert sorted(stack.settings(SETTINGS).parameters) == sorted(teardown.PARAMETERS)

    def test_every_method_has_a_limit(self, document):
        """The stage's throttles name each path and method of the API."""
        methods = {
            f"{path.lstrip('/')}/{verb.upper()}"
            for path, item in document["paths"].items()
            for verb in item
        }
        assert set(stack.settings(SETTINGS).api.throttles) == methods

    def test_an_access_log_line_is_json(self):
        """The format is one JSON object on a line, its members sorted as Terraform writes them."""
        text = stack.settings(SETTINGS).api.access_log_format
        assert list(json.loads(text)) == sorted(json.loads(text))
        assert "$context.status" in text
        assert " " not in text

    def test_unknown_setting_is_refused(self, tmp_path):
        """A misspelt setting is an error, not ignored."""
        text = (stack.INFRA_DIRECTORY / "stack.json").read_text(encoding="utf-8")
        (tmp_path / "stack.json").write_text(text.replace('"shards"', '"shard"'), encoding="utf-8")
        with pytest.raises(msgspec.ValidationError):
            stack.settings(SETTINGS, tmp_path)

    def test_missing_file_is_named(self, tmp_path):
        """Without the repository's infra directory the error says where it looked."""
        with pytest.raises(stack.StackFileNotFoundError, match=re.escape(str(tmp_path))):
            stack.settings(SETTINGS, tmp_path)


class TestApiDocument:
    def test_event_schema_is_the_event_s(self, document):
        """The model of an event equals the schema that the event's definition gives."""
        assert document["components"]["schemas"]["ListeningEvent"] == events.json_schema()

    def test_batch_limit_is_the_event_s(self, document):
        """A request holds as many events as one PutRecords call takes."""
        batch = document["components"]["schemas"]["EventBatch"]["properties"]["events"]
        assert (batch["minItems"], batch["maxItems"]) == (1, events.MAX_EVENTS_PER_REQUEST)

    def test_nothing_is_left_to_fill_in(self, document):
        """After rendering no placeholder remains, so Terraform and the deployer agree on them."""
        assert "${" not in json.dumps(document)

    def test_templates_have_no_terraform_syntax(self):
        """Besides its placeholders the file holds nothing that templatefile would interpret."""
        text = (stack.INFRA_DIRECTORY / "openapi.yaml").read_text(encoding="utf-8")
        assert set(re.findall(r"\$\{([^}]*)\}", text)) == set(API)
        assert "%{" not in text

    def test_every_gateway_response_has_the_same_form(self, document):
        """Each gateway response is an object of error, message and detail."""
        for response in document["x-amazon-apigateway-gateway-responses"].values():
            template = response["responseTemplates"]["application/json"]
            filled = template.replace("$context.error.messageString", '"words"')
            assert set(json.loads(filled)) == {"error", "message", "detail"}

    def test_references_resolve(self, document):
        """Every reference names a schema that is there."""
        schemas = document["components"]["schemas"]
        names = re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document))
        assert names
        assert set(names) <= set(schemas)

    def test_declared_answer_is_the_function_s(self, document):
        """The declared recommendations have the members that the function answers with."""
        declared = document["components"]["schemas"]["Recommendations"]
        members = declared["properties"]
        for schema, kind in (
            (declared, answers.Recommendations),
            (members["items"]["items"], answers.Item),
            (members["applied"], answers.Applied),
            (members["experiment"]["anyOf"][0], answers.Assignment),
            (members["fallback"]["anyOf"][0], answers.Fallback),
        ):
            names = {field.encode_name for field in msgspec.structs.fields(kind)}
            assert set(schema["properties"]) == set(schema["required"]) == names

    def test_declared_parameters_are_the_function_s(self, document):
        """The declared parameters, and which of them are required, are what the function reads."""
        declared = document["paths"]["/recommendations"]["get"]["parameters"]
        fields = msgspec.structs.fields(question.Question)
        in_query = {p["name"]: p["required"] for p in declared if p["in"] == "query"}
        assert in_query == {field.name: field.required for field in fields}

    def test_only_ingestion_asks_for_a_key(self, document):
        """POST /events needs the API key, GET /recommendations does not."""
        assert document["paths"]["/events"]["post"]["security"] == [{"api_key": []}]
        assert "security" not in document["paths"]["/recommendations"]["get"]


class TestPolicies:
    def test_the_bucket_takes_encrypted_connections_only(self):
        """Who comes without TLS is refused everything, whatever rights a role has."""
        statements = json.loads(stack.bucket_policy("arn:aws:s3:::b"))["Statement"]
        (refusal,) = [one for one in statements if one["Effect"] == "Deny"]
        assert refusal["Principal"] == "*"
        assert refusal["Action"] == "s3:*"
        assert refusal["Resource"] == ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]
        assert refusal["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}

    def test_personalize_reads_datasets_and_writes_exports(self):
        """The bucket lets Personalize at nothing else of the listening history."""
        statements = json.loads(stack.bucket_policy("arn:aws:s3:::b"))["Statement"]
        granted = {one["Sid"]: one for one in statements if one["Effect"] == "Allow"}
        for grant in granted.values():
            assert grant["Principal"] == {"Service": "personalize.amazonaws.com"}
        assert granted["PersonalizeReadsDatasets"]["Resource"][1] == "arn:aws:s3:::b/datasets/*"
        assert granted["PersonalizeWritesExports"]["Resource"] == "arn:aws:s3:::b/exports/*"

    def test_every_function_may_write_its_traces(self):
        """The functions are traced, and their roles have the two rights that this takes."""
        for key, function in stack.settings(SETTINGS).functions.items():
            statements = json.loads(stack.policy(key.replace("_", "-"), POLICY))["Statement"]
            (granted,) = [one["Action"] for one in statements if one["Sid"] == "Traces"]
            assert (function.tracing, set(granted)) == ("Active", TRACES)

    def test_every_function_has_a_policy(self):
        """Each function of the settings has the rights file of its role."""
        for key in stack.settings(SETTINGS).functions:
            assert key.replace("_", "-") in PARTS

    def test_trust_names_the_service(self):
        """Only the given service may assume a role."""
        document = json.loads(stack.trust_policy("lambda.amazonaws.com"))
        assert document["Statement"][0]["Principal"] == {"Service": "lambda.amazonaws.com"}

    def test_missing_variable_is_refused(self):
        """A policy whose placeholder has no value is not written with a hole in it."""
        with pytest.raises(stack.TemplateVariableError):
            stack.policy("hot-path", {"name": "tunes"})


class TestNames:
    def test_names_follow_the_stack(self):
        """Everything is called after the stack."""
        assert NAMES.stream == "tunes-events"
        assert NAMES.bucket == "tunes-123456789012-eu-west-1"
        assert NAMES.delivery_stream == "tunes-lake"
        assert NAMES.role_arn("hot-path") == "arn:aws:iam::123456789012:role/tunes-hot-path"
        assert (
            NAMES.arn("sqs", NAMES.poison_queue)
            == "arn:aws:sqs:eu-west-1:123456789012:tunes-poison"
        )


def test_openapi_file_is_plain_yaml():
    """The unrendered file is YAML too, so editors and linters can read it."""
    path = Path(stack.INFRA_DIRECTORY / "openapi.yaml")
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["openapi"].startswith("3.0")
