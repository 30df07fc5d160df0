"""EventBridge rules with a schedule, brought to life: they invoke their Lambda targets when due."""

from __future__ import annotations

import logging
import threading
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from botocore.exceptions import ClientError
from msgspec import Struct

from musicrec.local import schedule_expressions
from musicrec.local.parts import FunctionNotRunnableError, InvokeResult
from musicrec.local.schedule_expressions import ScheduleExpressionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from musicrec.local.parts import Aws, Invoke, Permit

LONGEST_WAIT_S: Final = 30.0
"""The clock is read again at least this often: a laptop's sleep must not delay a rule for long."""

_log = logging.getLogger(__name__)


class RuleNotFoundError(LookupError):
    """No rule of that name is stored in the embedded AWS."""


class UnsupportedRuleError(ValueError):
    """A rule with a target or an input that the embedded EventBridge cannot deliver."""


class FiredTarget(Struct, frozen=True):
    """What came of firing one target of a rule.

    Attributes:
        target_id: the target's id within the rule.
        arn: the function.
        result: its answer.
    """

    target_id: str
    arn: str
    result: InvokeResult


class _Timed(Struct):
    """A rule's schedule, and when it is next due (epoch seconds, None for never)."""

    expression: str
    schedule: schedule_expressions.Schedule
    due: float | None


class Schedules:
    """Fires stored rules at their times.

    A due rule invokes each target once; a failure is logged and not retried before the next time.

    Args:
        aws: the embedded AWS, where rules and targets are read back.
        invoke: runs a function.
        clock: the time in epoch seconds.
        permit: checks that a rule may invoke a function.
    """

    def __init__(
        self, *, aws: Aws, invoke: Invoke, clock: Callable[[], float], permit: Permit
    ) -> None:
        self._aws = aws
        self._invoke = invoke
        self._permit = permit
        self._clock = clock
        self._condition = threading.Condition()
        self._rules: dict[str, _Timed] = {}
        self._refused: dict[str, str] = {}
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch the clock."""
        self._thread = threading.Thread(target=self._run, name="schedules", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a firing in progress ends first."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        if self._thread is not None:
            self._thread.join()

    def drain(self, deadline: float) -> None:
        """Nothing is accepted before its time, so there is never anything to wait for."""

    def refresh(self) -> None:
        """Read the rules anew: one was put, enabled, disabled or deleted."""
        stored = {
            rule["Name"]: rule["ScheduleExpression"]
            for rule in self._stored_rules()
            if rule.get("ScheduleExpression") and rule.get("State", "ENABLED") == "ENABLED"
        }
        with self._condition:
            self._rules = {
                name: timed
                for name, expression in stored.items()
                if (timed := self._timed(name, expression)) is not None
            }
            self._condition.notify_all()

    def reset(self) -> None:
        """Forget every rule."""
        with self._condition:
            self._rules.clear()
            self._refused.clear()

    def fire_due(self) -> list[str]:
        """Fire every rule whose time has come; returns their names, in order of time."""
        now = self._clock()
        with self._condition:
            due = sorted(
                (timed.due, name)
                for name, timed in self._rules.items()
                if timed.due is not None and timed.due <= now
            )
            for _, name in due:
                timed = self._rules[name]
                timed.due = timed.schedule.next_after(now)
        for time, name in due:
            self._fire_logged(name, time)
        return [name for _, name in due]

    def fire(self, rule_name: str, at: float | None = None) -> list[FiredTarget]:
        """Deliver a rule's scheduled event to its targets now, and wait for their answers.

        Args:
            rule_name: the rule.
            at: the time that the event carries, epoch seconds; by default the clock's. Simulated
                listeners play at simulated times, and the build belongs to the night after.

        Raises:
            RuleNotFoundError: no such rule is stored.
            UnsupportedRuleError: a target is not a Lambda function, or transforms its input.
            FunctionNotRunnableError: a target does not exist or may not run.
        """
        return self._deliver(rule_name, self._clock() if at is None else at)

    def _deliver(self, rule_name: str, time: float) -> list[FiredTarget]:
        events = self._aws.client("events")
        try:
            rule = events.describe_rule(Name=rule_name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            raise RuleNotFoundError(f"no rule {rule_name!r} is stored") from error
        targets = events.list_targets_by_rule(Rule=rule_name)["Targets"]
        return [self._deliver_to(target, rule["Arn"], time) for target in targets]

    def _deliver_to(self, target: dict[str, Any], rule_arn: str, time: float) -> FiredTarget:
        arn = target["Arn"]
        if ":lambda:" not in arn or target.get("InputPath") or target.get("InputTransformer"):
            raise UnsupportedRuleError(
                f"target {target['Id']} of {rule_arn}: the embedded EventBridge delivers to Lambda "
                "functions, with a constant Input or the scheduled event"
            )
        self._permit(arn, rule_arn)
        event = target.get("Input")
        body = event.encode() if event else self._scheduled_event(rule_arn, time)
        return FiredTarget(target["Id"], arn, self._invoke(arn, body))

    def _scheduled_event(self, rule_arn: str, time: float) -> bytes:
        return msgspec.json.encode(
            {
                "version": "0",
                "id": str(uuid.uuid4()),
                "detail-type": "Scheduled Event",
                "source": "aws.events",
                "account": self._aws.account_id,
                "time": datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "region": self._aws.region,
                "resources": [rule_arn],
                "detail": {},
            }
        )

    def _fire_logged(self, name: str, time: float) -> None:
        """Fire a rule at its time; nobody waits for its answer, so failures go to the log."""
        try:
            fired = self._deliver(name, time)
        except (RuleNotFoundError, UnsupportedRuleError, FunctionNotRunnableError) as error:
            _log.warning("rule %s: %s", name, error)
            return
        for target in fired:
            if target.result.error is not None:
                _log.warning("rule %s: %s failed: %s", name, target.arn, target.result.payload)

    def _stored_rules(self) -> Iterator[dict[str, Any]]:
        events = self._aws.client("events")
        page: dict[str, str] = {}
        while True:
            answer = events.list_rules(**page)
            yield from answer["Rules"]
            if not answer.get("NextToken"):
                return
            page = {"NextToken": answer["NextToken"]}

    def _timed(self, name: str, expression: str) -> _Timed | None:
        """The rule as it was known, or newly timed; None when its expression is not understood."""
        known = self._rules.get(name)
        if known is not None and known.expression == expression:
            return known
        try:
            schedule = schedule_expressions.parse(expression)
        except ScheduleExpressionError as error:
            if self._refused.get(name) != expression:
                _log.warning("rule %s never fires: %s", name, error)
                self._refused[name] = expression
            return None
        return _Timed(expression, schedule, schedule.next_after(self._clock()))

    def _run(self) -> None:
        while True:
            with self._condition:
                if not self._stopping:
                    self._condition.wait(self._wait_s())
                if self._stopping:
                    return
            self.fire_due()

    def _wait_s(self) -> float:
        dues = [timed.due for timed in self._rules.values() if timed.due is not None]
        return min([LONGEST_WAIT_S, *(max(0.0, due - self._clock()) for due in dues)])
