"""Any call at all gets an answer or a typed refusal, never a defect of the server."""

import io
import json

import pytest
from botocore.session import Session
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from personalize_data import INTERACTIONS, ITEMS, RECIPE, item_rows
from personalize_world import ROLE

from musicrec.local.personalize.protocol import SERVICES

MODELS = [
    Session().get_service_model(service).operation_model(name)
    for service in SERVICES
    for name in Session().get_service_model(service).operation_names
]
USUAL = {"campaignArn", "userId", "itemId"}  # optional in the model, needed all the same
NOISE = st.sampled_from(
    [None, True, 0, -1, 1.5, 10**400, 1e308, "", "x" * 300, "ü|\0", [], {}, [1]]
)


def values(shape, pool, name=""):
    """Values that mostly fit the shape, strings by the name of the member."""
    if shape.type_name == "structure":
        entries = {key: values(entry, pool, key) for key, entry in shape.members.items()}
        usual = {*shape.required_members, *USUAL & entries.keys()}
        required = {key: entries[key] for key in sorted(usual)}
        # Half of the optional members at most, else nearly every request has a bad one.
        optional = {key: entry for key, entry in entries.items() if key not in required}
        fitting = st.lists(st.sampled_from(sorted(optional) or [""]), max_size=3).flatmap(
            lambda chosen: st.fixed_dictionaries(
                required | {key: optional[key] for key in chosen if key}
            )
        )
    elif shape.type_name == "list":
        fitting = st.lists(values(shape.member, pool, name), min_size=1, max_size=3)
    elif shape.type_name == "map":
        fitting = st.dictionaries(pool("key"), values(shape.value, pool, name), max_size=2)
    elif shape.type_name == "boolean":
        fitting = st.booleans()
    elif shape.type_name == "string":
        enum = shape.metadata.get("enum")
        fitting = st.sampled_from(enum) if enum else pool(name)
    else:
        fitting = st.integers(shape.metadata.get("min", 0), shape.metadata.get("max", 2 * 10**9))
    return st.one_of(*[fitting] * 29, NOISE)


@pytest.mark.slow
class TestAnyCall:
    @settings(
        max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    @given(data=st.data())
    def test_is_answered_or_refused(self, fuzzed, data):
        """Status 200 or 4xx with a type and a message, whatever is sent."""
        app, pool = fuzzed
        model = data.draw(st.sampled_from(MODELS), label="operation")
        params = data.draw(values(model.input_shape, pool), label="params")
        status, answer = call(app, model, params)
        assert status == 200 or (400 <= status < 500 and answer["message"] and answer["__type"])


def call(app, model, params):
    """One request to the application, without a network."""
    body = json.dumps(params).encode()
    environ = {
        "PATH_INFO": model.http["requestUri"],
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "HTTP_AUTHORIZATION": "Credential=t/20260101/test-1/personalize/aws4_request",
    }
    if model.service_model.service_name == "personalize":
        environ["HTTP_X_AMZ_TARGET"] = f"AmazonPersonalize.{model.name}"
    seen = []
    content = b"".join(app(environ, lambda status, headers: seen.append((status, headers))))
    return int(seen[0][0].split()[0]), json.loads(content or b"{}")


@pytest.fixture(scope="module")
def fuzzed(embedded):
    """The application, and for each member's name the texts that may stand there."""
    world = embedded.world().load(items=item_rows())
    campaign = world.campaign()
    kept = world.filter('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("skip")', "skips")
    valued = world.filter("INCLUDE ItemID WHERE Items.TEMPO > $T AND Items.GENRE IN ($G)", "valued")
    solution = world.control.list_solutions()["solutions"][0]["solutionArn"]
    version = world.control.list_solution_versions()["solutionVersions"][0]["solutionVersionArn"]
    schemas = [entry["schemaArn"] for entry in world.control.list_schemas()["schemas"]]
    location = f"s3://{world.bucket}/"
    known = {
        "campaignArn": [campaign],
        "datasetArn": [world.arns["Items"], world.arns["Interactions"]],
        "datasetGroupArn": [world.arns["group"]],
        "datasetType": ["Users", "items"],
        "dataLocation": [location + "Items.csv", location + "Interactions.csv", location],
        "eventTrackerArn": [world.arns["tracker"]],
        "filterArn": [kept, valued],
        "filterExpression": [
            "INCLUDE ItemID WHERE Items.TEMPO > $T",
            'EXCLUDE ItemID WHERE Items.GENRE NOT IN ("g1") | INCLUDE ItemID WHERE Items.YEAR = 1',
        ],
        "filterValues": ["1", '"g1","g2"', '"', "nan"],
        "inputList": ["i0-00", "i1-01", "nobody"],
        "itemId": ["i0-00", "i1-01", "nobody"],
        "jobName": ["one", "two", "three"],
        "key": ["T", "G", "bptt", "ITEMS"],
        "name": ["one", "two", "three"],
        "path": [location + "out/", location],
        "properties": ['{"itemId": "i0-00"}', '{"tempo": 1e39}', '{"genre": "g1"}', "[", "{}"],
        "recipeArn": [RECIPE + "aws-sims", RECIPE + "aws-trending-now"],
        "resourceArn": [campaign, solution],
        "roleArn": [ROLE],
        "schema": [INTERACTIONS, ITEMS, "{}"],
        "schemaArn": schemas,
        "solutionArn": [solution],
        "solutionVersionArn": [version, solution + "/$LATEST"],
        "trackingId": [world.arns["tracking_id"]],
        "userId": ["u001", "u002", "nobody"],
    }
    anything = st.sampled_from(sorted({text for texts in known.values() for text in texts}))

    def pool(name):
        fitting = st.sampled_from(known[name]) if name in known else anything
        return st.one_of(*[fitting] * 9, anything)

    return embedded.app, pool
