import importlib.util
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from aws_world import BUCKET, known_tracks, listening

from musicrec.datasets import manifest
from musicrec.datasets.checks import DatasetCheckError

HANDLER = Path(__file__).parents[2] / "lambdas" / "dataset_builder" / "handler.py"
EVENT = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-03-02T03:00:00Z",
    "region": "us-east-1",
    "resources": ["arn:aws:events:us-east-1:123456789012:rule/musicrec-daily-datasets"],
    "detail": {},
}
CONTEXT = SimpleNamespace(
    function_name="musicrec-dataset-builder",
    memory_limit_in_mb=3008,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:musicrec-dataset-builder",
    aws_request_id="6f747b00-0000-4000-8000-000000000000",
)


def load():
    """The handler's module, freshly initialised as in a new Lambda environment."""
    spec = importlib.util.spec_from_file_location("dataset_builder_handler", HANDLER)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where msgspec looks up the settings' types
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def handler(aws, monkeypatch):
    """The handler of the stack, its Personalize calls going where the test's go."""
    monkeypatch.setenv("STACK", "musicrec")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "dataset_builder")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "musicrec")
    module = load()
    monkeypatch.setattr(module, "clients", aws.clients)
    return module


class TestLambdaHandler:
    def test_builds_the_day_on_which_the_rule_fired(self, aws, handler, tmp_path):
        """The run's date is the event's, and the answer is the manifest as plain JSON."""
        happened = listening()
        aws.hear(happened, tmp_path)
        answer = json.loads(json.dumps(handler.lambda_handler(EVENT, CONTEXT)))
        stored = manifest.load(aws.clients.s3, BUCKET, "2026-03-02")
        assert msgspec.convert(answer, manifest.Manifest) == stored
        assert set(stored.import_jobs) == {"interactions", "users", "items"}

    def test_fails_when_the_datasets_are_not_fit(self, aws, handler, tmp_path):
        """A failed function raises an alarm; a manifest alone would not."""
        aws.publish_catalog(known_tracks(), tmp_path)
        with pytest.raises(DatasetCheckError, match="0 interactions"):
            handler.lambda_handler(EVENT, CONTEXT)

    def test_refuses_an_event_without_time(self, handler):
        """An event of another kind is an error that names the missing field."""
        with pytest.raises(msgspec.ValidationError, match="time"):
            handler.lambda_handler({"detail": {}}, CONTEXT)


class TestSettings:
    @pytest.mark.usefixtures("aws")
    def test_engine_can_be_set(self, monkeypatch):
        """The variable chooses the engine; a misspelt one is refused when the function starts."""
        monkeypatch.setenv("STACK", "musicrec")
        monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "dataset_builder")
        monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "musicrec")
        assert load().settings.engine == "auto"
        monkeypatch.setenv("ENGINE", "athena")
        assert load().settings.engine == "athena"
        monkeypatch.setenv("ENGINE", "spark")
        with pytest.raises(msgspec.ValidationError, match="spark"):
            load()

    @pytest.mark.usefixtures("aws")
    def test_missing_variable_is_named_at_once(self, monkeypatch):
        """A function without its variable fails when it starts, not when the rule fires."""
        monkeypatch.delenv("STACK", raising=False)
        with pytest.raises(msgspec.ValidationError, match="STACK"):
            load()
