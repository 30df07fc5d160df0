"""Query executions: what clients ask about a statement from its start to its end."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, Final

from musicrec.local.athena.ddl import Changes
from musicrec.local.athena.errors import (
    SYSTEM,
    InvalidRequestError,
    QueryCancelledError,
    QueryFailedError,
)
from musicrec.local.athena.hive import Ddl
from musicrec.local.athena.objects import Bytes
from musicrec.local.athena.outputs import Destination, Outcome, Writer
from musicrec.local.athena.results import write_csv, write_text
from musicrec.local.athena.statements import (
    CreateTableAs,
    CreateView,
    Insert,
    Statement,
    Unload,
)

if TYPE_CHECKING:
    from musicrec.local.athena.engine import Engine, Session

logger: Final = logging.getLogger(__name__)

QUEUED: Final = "QUEUED"
RUNNING: Final = "RUNNING"
SUCCEEDED: Final = "SUCCEEDED"
FAILED: Final = "FAILED"
CANCELLED: Final = "CANCELLED"
FINAL: Final = frozenset({SUCCEEDED, FAILED, CANCELLED})

AT_ONCE: Final = 2
"""Queries that run at the same time; the others are queued."""

ENGINE_VERSION: Final = {
    "SelectedEngineVersion": "AUTO",
    "EffectiveEngineVersion": "Athena engine version 3",
}


@dataclass
class Execution:
    """One statement on its way.

    Attributes:
        statement: as understood.
        request: as the client sent it.
        engine: that runs it, with the client's rights.
        workgroup: that it runs in.
        database: of names without one.
        destination: of its results.
        counted: what it reads.
        submitted: epoch seconds.
        sequence: its place among all.
        finished: set when it has ended in whatever way.
    """

    statement: Statement
    request: dict[str, Any]
    engine: Engine
    workgroup: str
    database: str | None
    destination: Destination
    counted: Bytes
    submitted: float
    sequence: int
    state: str = QUEUED
    started: float | None = None
    completed: float | None = None
    reason: str | None = None
    error: dict[str, Any] | None = None
    outcome: Outcome | None = None
    session: Session | None = None
    lock: Lock = field(default_factory=Lock)
    finished: Event = field(default_factory=Event)

    @property
    def id(self) -> str:
        """The query execution id."""
        return self.destination.query_id

    def view(self) -> dict[str, Any]:
        """As `GetQueryExecution` shows it."""
        with self.lock:
            return {
                "QueryExecutionId": self.id,
                "Query": self.request["QueryString"],
                "StatementType": self.statement.kind,
                "SubstatementType": self.statement.subkind,
                "ResultConfiguration": {"OutputLocation": self.output},
                "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": False}},
                "QueryExecutionContext": self.request.get("QueryExecutionContext", {}),
                "Status": self._status(),
                "Statistics": self.statistics(),
                "WorkGroup": self.workgroup,
                "EngineVersion": ENGINE_VERSION,
                "ExecutionParameters": self.request.get("ExecutionParameters"),
            }

    @property
    def output(self) -> str:
        """Where the result is, or will be."""
        if self.outcome is not None:
            return self.outcome.output
        if isinstance(self.statement, CreateTableAs):
            return self.destination.uri("", "tables/")
        is_text = isinstance(self.statement, Ddl | CreateView)
        return self.destination.uri(".txt" if is_text else ".csv")

    def _status(self) -> dict[str, Any]:
        return {
            "State": self.state,
            "StateChangeReason": self.reason,
            "SubmissionDateTime": self.submitted,
            "CompletionDateTime": self.completed,
            "AthenaError": self.error,
        }

    def statistics(self) -> dict[str, Any]:
        """What the execution took; milliseconds and bytes."""
        started = self.started if self.started is not None else self.completed
        end = self.completed
        queued = (started - self.submitted) if started is not None else 0.0
        ran = (end - started) if end is not None and started is not None else 0.0
        return {
            "EngineExecutionTimeInMillis": round(ran * 1000),
            "DataScannedInBytes": self.counted.scanned,
            "DataManifestLocation": self.outcome.manifest if self.outcome else None,
            "TotalExecutionTimeInMillis": round((queued + ran) * 1000),
            "QueryQueueTimeInMillis": round(queued * 1000),
            "QueryPlanningTimeInMillis": 0,
            "ServiceProcessingTimeInMillis": 0,
            "ResultReuseInformation": {"ReusedPreviousResult": False},
        }


class Executions:
    """Runs statements, a few at once, and remembers them.

    Args:
        clock: epoch seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._by_id: dict[str, Execution] = {}
        self._by_token: dict[str, Execution] = {}
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="athena")

    def start(
        self,
        statement: Statement,
        request: dict[str, Any],
        *,
        engine: Engine,
        workgroup: str,
        location: str,
        enforced: bool,
        cutoff: int | None,
    ) -> Execution:
        """Queue a statement.

        Args:
            statement: as understood.
            request: as the client sent it.
            engine: to run it with, and with the client's rights.
            workgroup: to run it in.
            location: S3 URI of the folder of results.
            enforced: whether the work group chose the location.
            cutoff: bytes that it may read.
        """
        execution = Execution(
            statement=statement,
            request=request,
            engine=engine,
            workgroup=workgroup,
            database=_database(request),
            destination=Destination(str(uuid.uuid4()), location, enforced),
            counted=Bytes(cutoff),
            submitted=self._clock(),
            sequence=len(self._by_id),
        )
        with self._lock:
            self._by_id[execution.id] = execution
            if "ClientRequestToken" in request:
                self._by_token[request["ClientRequestToken"]] = execution
        self._pool.submit(self._run, execution)
        return execution

    def repeated(self, request: dict[str, Any]) -> Execution | None:
        """The execution that an earlier request with this token began.

        Raises:
            InvalidRequestError: that request was another one.
        """
        with self._lock:
            earlier = self._by_token.get(request.get("ClientRequestToken", ""))
        if earlier is not None and earlier.request != request:
            raise InvalidRequestError("Idempotent parameters do not match")
        return earlier

    def get(self, query_id: str) -> Execution:
        """An execution.

        Raises:
            InvalidRequestError: there is none of that id.
        """
        with self._lock:
            execution = self._by_id.get(query_id)
        if execution is None:
            raise InvalidRequestError(f"QueryExecution {query_id} was not found")
        return execution

    def all(self, workgroup: str) -> list[Execution]:
        """The executions of a work group, the newest first."""
        with self._lock:
            found = [entry for entry in self._by_id.values() if entry.workgroup == workgroup]
        return sorted(found, key=lambda entry: entry.sequence, reverse=True)

    def stop(self, query_id: str) -> None:
        """End an execution; nothing happens to one that has ended.

        Raises:
            InvalidRequestError: there is none of that id.
        """
        self._cancel(self.get(query_id))

    def reset(self) -> None:
        """End and forget all."""
        with self._lock:
            running, self._by_id, self._by_token = list(self._by_id.values()), {}, {}
        for execution in running:
            self._cancel(execution)

    def close(self) -> None:
        """End all; return when nothing runs any more."""
        self.reset()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _cancel(self, execution: Execution) -> None:
        with execution.lock:
            if execution.state in FINAL:
                return
            execution.state = CANCELLED
            execution.reason = "Query was cancelled by the client."
            execution.completed = self._clock()
            execution.finished.set()
            session = execution.session
        if session is not None:
            session.stop()

    def _run(self, execution: Execution) -> None:
        session = execution.engine.session(execution.database, execution.counted)
        with execution.lock:
            if execution.state in FINAL:
                return
            execution.state = RUNNING
            execution.started = self._clock()
            execution.session = session
        state, reason, error, outcome = SUCCEEDED, None, None, None
        try:
            outcome = self._perform(execution, session)
        except QueryCancelledError as cancelled:
            state, reason = CANCELLED, str(cancelled)
        except QueryFailedError as failed:
            state, reason, error = FAILED, failed.reason, _described(failed)
        except Exception as broken:
            logger.exception("%s broke: %s", execution.id, execution.request["QueryString"])
            internal = QueryFailedError("GENERIC_INTERNAL_ERROR", str(broken), category=SYSTEM)
            state, reason, error = FAILED, internal.reason, _described(internal)
        with execution.lock:
            execution.session = None
            if execution.state not in FINAL:
                execution.state, execution.reason, execution.error = state, reason, error
                execution.outcome = outcome
                execution.completed = self._clock()
                execution.finished.set()

    def _perform(self, execution: Execution, session: Session) -> Outcome:
        statement, destination = execution.statement, execution.destination
        engine = execution.engine
        writer = Writer(engine, session, execution.database, destination)
        if isinstance(statement, CreateTableAs):
            return writer.create_table_as(statement)
        if isinstance(statement, Insert):
            return writer.insert(statement)
        if isinstance(statement, Unload):
            return writer.unload(statement)
        if isinstance(statement, Ddl | CreateView):
            return self._change(execution, statement, session)
        uri = destination.uri(".csv")
        with session.run(statement.query) as rows:
            write_csv(rows, uri, engine.store, engine.folder)
            return Outcome(output=uri, columns=rows.columns)

    def _change(
        self, execution: Execution, statement: Ddl | CreateView, session: Session
    ) -> Outcome:
        """Carry out a statement about the catalogue; its answer is text, a line a row."""
        engine = execution.engine
        columns, rows = Changes(engine, session, execution.database).perform(statement)
        lines = ["\t".join(row) for row in rows]
        uri = execution.destination.uri(".txt")
        write_text(lines, columns, uri, engine.store)
        return Outcome(output=uri, columns=columns, rows=[[line] for line in lines])


def _described(failed: QueryFailedError) -> dict[str, Any]:
    return {
        "ErrorCategory": failed.category,
        "Retryable": False,
        "ErrorMessage": failed.reason,
    }


def _database(request: dict[str, Any]) -> str | None:
    """The database that a request names; awswrangler puts it in backticks for some statements."""
    named = request.get("QueryExecutionContext", {}).get("Database")
    return named.strip("`").lower() if named else None
