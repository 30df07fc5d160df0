"""Stored schedule rules, fired by a clock that the test moves."""

import json
import threading

import pytest
from botocore.exceptions import ClientError

from musicrec.local.parts import (
    FunctionNotFoundError,
    InvocationForbiddenError,
    InvokeResult,
)
from musicrec.local.schedules import RuleNotFoundError, Schedules, UnsupportedRuleError

LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:f"
MIDNIGHT = 1_782_864_000.0  # 2026-07-01T00:00:00Z
HOUR = 3_600.0


class FakeEvents:
    """The part of the EventBridge client that is read, over a dictionary of rules."""

    def __init__(self):
        self.rules = {}
        self.targets = {}

    def put(self, name, expression, *targets, state="ENABLED"):
        """Store a rule with its targets."""
        arn = f"arn:aws:events:us-east-1:123456789012:rule/{name}"
        self.rules[name] = {"Name": name, "Arn": arn, "State": state}
        if expression is not None:
            self.rules[name]["ScheduleExpression"] = expression
        self.targets[name] = list(targets)

    def list_rules(self, **page):
        """One rule a page, so that paging is needed."""
        names = sorted(self.rules)
        index = int(page.get("NextToken", 0))
        following = {"NextToken": str(index + 1)} if index + 1 < len(names) else {}
        return {"Rules": [self.rules[name] for name in names[index : index + 1]], **following}

    def describe_rule(self, Name):  # noqa: N803 - boto3's name
        """One rule, or the client's own error."""
        if Name not in self.rules:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "DescribeRule")
        return self.rules[Name]

    def list_targets_by_rule(self, Rule):  # noqa: N803 - boto3's name
        """The targets of one rule."""
        return {"Targets": self.targets[Rule]}


class FakeAws:
    account_id = "123456789012"
    region = "us-east-1"

    def __init__(self, events):
        self.events = events

    def client(self, service):
        """The only client that schedules use."""
        assert service == "events"
        return self.events


class World:
    """Schedules over fakes, and a clock to move."""

    def __init__(self):
        self.now = MIDNIGHT
        self.events = FakeEvents()
        self.invoked = []
        self.answer = InvokeResult(b'"done"')
        self.forbidden = False
        self.called = threading.Event()
        self.schedules = Schedules(
            aws=FakeAws(self.events),
            invoke=self._invoke,
            clock=lambda: self.now,
            permit=self._permit,
        )

    def _permit(self, function_arn, rule_arn):
        if self.forbidden:
            raise InvocationForbiddenError(f"{function_arn} is not for {rule_arn}")

    def _invoke(self, arn, event):
        self.invoked.append((arn, json.loads(event)))
        self.called.set()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def world():
    return World()


def target(arn=LAMBDA, **more):
    return {"Id": "t", "Arn": arn, **more}


class TestFireDue:
    def test_not_before_its_time(self, world):
        """A rule for three o'clock does nothing at a minute to three, and fires at three."""
        world.events.put("daily", "cron(0 3 * * ? *)", target())
        world.schedules.refresh()
        world.now = MIDNIGHT + 3 * HOUR - 60
        assert world.schedules.fire_due() == []
        world.now = MIDNIGHT + 3 * HOUR
        assert world.schedules.fire_due() == ["daily"]
        assert len(world.invoked) == 1

    def test_once_for_each_time(self, world):
        """A rule that fired waits for its next time, even if several were missed."""
        world.events.put("often", "rate(5 minutes)", target())
        world.schedules.refresh()
        world.now = MIDNIGHT + HOUR
        assert world.schedules.fire_due() == ["often"]
        assert world.schedules.fire_due() == []
        world.now += 300
        assert world.schedules.fire_due() == ["often"]

    def test_refresh_keeps_the_time_of_a_known_rule(self, world):
        """Reading the rules again does not push a rate into the future."""
        world.events.put("often", "rate(5 minutes)", target())
        world.schedules.refresh()
        world.now = MIDNIGHT + 299
        world.schedules.refresh()
        world.now = MIDNIGHT + 300
        assert world.schedules.fire_due() == ["often"]

    def test_event_is_eventbridges(self, world):
        """The function gets the scheduled event, with the time that was due."""
        world.events.put("daily", "cron(0 3 * * ? *)", target())
        world.schedules.refresh()
        world.now = MIDNIGHT + 3 * HOUR + 7
        world.schedules.fire_due()
        ((arn, event),) = world.invoked
        assert arn == LAMBDA
        assert event.pop("id")
        assert event == {
            "version": "0",
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": "123456789012",
            "time": "2026-07-01T03:00:00Z",
            "region": "us-east-1",
            "resources": ["arn:aws:events:us-east-1:123456789012:rule/daily"],
            "detail": {},
        }

    @pytest.mark.parametrize(
        ("expression", "state"),
        [("rate(1 minute)", "DISABLED"), (None, "ENABLED"), ("cron(0 3 L * ? *)", "ENABLED")],
    )
    def test_rules_that_never_fire(self, world, expression, state):
        """Disabled rules, pattern rules and expressions that are not understood stay silent."""
        world.events.put("rule", expression, target(), state=state)
        world.schedules.refresh()
        world.now += 100 * 24 * HOUR
        assert world.schedules.fire_due() == []

    def test_refused_expression_is_logged_once(self, world, caplog):
        """The log says which rule never fires and why."""
        world.events.put("rule", "cron(0 3 L * ? *)", target())
        world.schedules.refresh()
        world.schedules.refresh()
        assert caplog.text.count("L is not understood") == 1

    def test_deleted_rule_stops(self, world):
        """A rule that is gone at the next reading fires no more."""
        world.events.put("often", "rate(5 minutes)", target())
        world.schedules.refresh()
        world.events.rules.clear()
        world.schedules.refresh()
        world.now += HOUR
        assert world.schedules.fire_due() == []

    def test_a_function_must_let_the_rule_invoke_it(self, world):
        """Without a permission for the rule its target does not run."""
        world.events.put("a", None, target())
        world.forbidden = True
        with pytest.raises(InvocationForbiddenError, match="rule/a"):
            world.schedules.fire("a")
        assert world.invoked == []

    def test_one_failing_rule_does_not_hold_up_the_next(self, world, caplog):
        """What cannot run is logged, and the other due rules fire all the same."""
        world.events.put("a", "rate(1 minute)", target())
        world.events.put("b", "rate(1 minute)", target())
        world.schedules.refresh()
        world.answer = FunctionNotFoundError("no function f")
        world.now += 60
        assert world.schedules.fire_due() == ["a", "b"]
        assert len(world.invoked) == 2
        assert "no function f" in caplog.text


class TestFire:
    def test_now_and_with_answers(self, world):
        """A rule fired by hand tells what each target answered, enabled or not."""
        world.events.put("daily", "cron(0 3 * * ? *)", target(), state="DISABLED")
        (fired,) = world.schedules.fire("daily")
        assert (fired.target_id, fired.arn, fired.result.payload) == ("t", LAMBDA, b'"done"')
        assert world.invoked[0][1]["time"] == "2026-07-01T00:00:00Z"

    def test_constant_input(self, world):
        """A target's own Input takes the place of the event."""
        world.events.put("daily", "rate(1 day)", target(Input='{"days": 3}'))
        world.schedules.fire("daily")
        assert world.invoked == [(LAMBDA, {"days": 3})]

    def test_unknown_rule(self, world):
        """The error names the rule."""
        with pytest.raises(RuleNotFoundError, match="nightly"):
            world.schedules.fire("nightly")

    @pytest.mark.parametrize(
        "unsupported", [target("arn:aws:sqs:us-east-1:1:q"), target(InputPath="$.detail")]
    )
    def test_target_that_cannot_be_delivered_to(self, world, unsupported):
        """Other services and transformed inputs are refused by name, not skipped."""
        world.events.put("daily", "rate(1 day)", unsupported)
        with pytest.raises(UnsupportedRuleError, match="target t"):
            world.schedules.fire("daily")


class TestThread:
    def test_wakes_for_a_new_rule_and_stops(self, world):
        """The thread fires a rule that becomes due after it began to wait, and ends at once."""
        world.schedules.start()
        try:
            world.events.put("often", "rate(1 minute)", target())
            world.schedules.refresh()
            world.now += 60
            world.schedules.refresh()
            assert world.called.wait(5)
        finally:
            world.schedules.stop()
        assert not world.schedules._thread.is_alive()
