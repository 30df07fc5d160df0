"""The routes that the embedded AWS has beside AWS."""

import io
import json

import pytest

from musicrec.local.admin import Admin
from musicrec.local.iam.policies import Verdict
from musicrec.local.iam.rights import Access
from musicrec.local.parts import Aws, FunctionNotFoundError, InvokeResult
from musicrec.local.personalize.app import create_app
from musicrec.local.personalize.life_cycle import LifeCycle
from musicrec.local.schedules import FiredTarget, RuleNotFoundError, UnsupportedRuleError


def ask(method, path, query="", *, drain=None, fire=None, body=b"", personalize=None):
    admin = Admin(
        drain=drain or (lambda seconds: {"within": seconds}),
        fire=fire or (lambda _: []),
        log=lambda name: [f"{name} says hello"],
        personalize=personalize or create_app(aws=Aws("http://127.0.0.1:1")),
        accesses=lambda: [Access("builder", "s3:GetObject", "arn", (), Verdict.ALLOWED)],
    )
    status = []
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    answer = b"".join(admin(environ, lambda line, _: status.append(line)))
    return int(status[0].split()[0]), json.loads(answer)


def raising(error):
    def call(_):
        raise error

    return call


class TestLifeCycle:
    PATH = "/_musicrec/personalize/life-cycle"

    def test_settings_are_read_and_replaced(self):
        """What is put is there, the rest at its defaults."""
        app = create_app(aws=Aws("http://127.0.0.1:1"))
        body = b'{"transitions": "slow", "failures": {"campaign/*": "no capacity"}}'
        status, answer = ask("PUT", self.PATH, body=body, personalize=app)
        assert status == 200
        assert ask("GET", self.PATH, personalize=app) == (200, answer)
        assert app.life_cycle == LifeCycle(
            transitions="slow", failures={"campaign/*": "no capacity"}
        )

    @pytest.mark.parametrize("body", [b"{", b'{"transitions": "brisk"}', b'{"speed": 1}'])
    def test_bad_settings_are_refused(self, body):
        """And nothing changes."""
        app = create_app(aws=Aws("http://127.0.0.1:1"))
        status, answer = ask("PUT", self.PATH, body=body, personalize=app)
        assert status == 400
        assert answer["message"].startswith("no life cycle")
        assert app.life_cycle == LifeCycle()


class TestAdmin:
    def test_health(self):
        """A server that answers is well."""
        status, answer = ask("GET", "/_musicrec/health")
        assert (status, answer["status"]) == (200, "ok")

    @pytest.mark.parametrize(("query", "seconds"), [("", 300.0), ("timeout=2.5", 2.5)])
    def test_drain(self, query, seconds):
        """A drain answers with what was processed, within the time that was asked for."""
        answer = ask("POST", "/_musicrec/drain", query)
        assert answer == (200, {"processed": {"within": seconds}})

    def test_drain_that_takes_too_long(self):
        """A drain that did not end says what was still waiting."""
        drain = raising(TimeoutError("shard 3"))
        assert ask("POST", "/_musicrec/drain", drain=drain) == (504, {"message": "shard 3"})

    def test_drain_with_a_bad_limit(self):
        """The offending value is named."""
        status, answer = ask("POST", "/_musicrec/drain", "timeout=soon")
        assert status == 400
        assert "soon" in answer["message"]

    @pytest.mark.parametrize(("error", "status"), [(None, 200), ("Unhandled", 502)])
    def test_fire(self, error, status):
        """The functions' answers come back, and a failed one makes the answer a failure."""
        fired = FiredTarget("t", "arn", InvokeResult(b'{"rows":3}', error))
        answer = ask("POST", "/_musicrec/rules/daily/fire", fire=lambda _: [fired])
        target = {"id": "t", "arn": "arn", "error": error, "answer": {"rows": 3}}
        assert answer == (status, {"rule": "daily", "targets": [target]})

    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (RuleNotFoundError("no rule"), 404),
            (FunctionNotFoundError("no function"), 502),
            (UnsupportedRuleError("a queue"), 502),
        ],
    )
    def test_fire_that_cannot_be(self, error, status):
        """An unknown rule is 404; a target that cannot be reached is the stack's fault."""
        answer = ask("POST", "/_musicrec/rules/daily/fire", fire=raising(error))
        assert answer == (status, {"message": str(error)})

    def test_accesses(self):
        """What roles have asked for, and whether they may."""
        asked = {"role": "builder", "action": "s3:GetObject", "resource": "arn", "context": {}}
        assert ask("GET", "/_musicrec/accesses") == (200, {"accesses": [asked | {"allowed": True}]})

    def test_log(self):
        """The newest lines of a function are one request away."""
        status, answer = ask("GET", "/_musicrec/functions/f/log")
        assert (status, answer["lines"]) == (200, ["f says hello"])

    @pytest.mark.parametrize(
        ("method", "path"),
        [("GET", "/_musicrec"), ("GET", "/_musicrec/drain"), ("POST", "/_musicrec/rules/daily")],
    )
    def test_unknown_route(self, method, path):
        """Anything else gets 404 and the list of routes."""
        status, answer = ask(method, path)
        assert status == 404
        assert path in answer["message"]
        assert "POST /_musicrec/rules/<rule name>/fire" in answer["routes"]


class TestPersonalizeClock:
    PATH = "/_musicrec/personalize/clock/advance"

    def test_moves_on(self):
        """By so many seconds, again and again."""
        app = create_app(aws=Aws("http://127.0.0.1:1"), clock=lambda: 1000.0)
        assert ask("POST", self.PATH, "seconds=7200", personalize=app) == (200, {"now": 8200.0})
        assert ask("POST", self.PATH, "seconds=1", personalize=app) == (200, {"now": 8201.0})

    @pytest.mark.parametrize("query", ["", "seconds=-5", "seconds=soon"])
    def test_wants_whole_seconds(self, query):
        """And only onwards."""
        status, answer = ask("POST", self.PATH, query)
        assert status == 400
        assert "seconds" in answer["message"]
