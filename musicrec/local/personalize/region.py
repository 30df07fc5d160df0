"""One region's resources: where they are kept, found, listed and refused.

The lock guards the registry and the life cycle only. Whoever reads S3 or trains holds no lock.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from musicrec.local.iam.sessions import RoleNotAssumableError
from musicrec.local.personalize.errors import (
    InvalidInputError,
    ResourceAlreadyExistsError,
    ResourceInUseError,
    ResourceNotFoundError,
)
from musicrec.local.personalize.life_cycle import DELETION, LifeCycle, kind_of
from musicrec.local.personalize.resources import (
    ACTIVE,
    CHANGING,
    FAILED,
    Job,
    Resource,
    Updatable,
    Update,
)
from musicrec.local.personalize.workers import JobFailedError, Workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

    from musicrec.local.parts import ActAs, Aws
    from musicrec.local.personalize.life_cycle import Passage

R = TypeVar("R", bound=Resource)


@dataclass(kw_only=True, eq=False)
class Region:
    """The registry of one region.

    Attributes:
        name: of the region.
        account: twelve digits.
        aws: the embedded AWS.
        act_as: takes the roles of jobs.
        workers: run imports, exports and trainings.
        clock: epoch seconds.
        life_cycle: gives the settings of the moment.
        patience: seconds that a describe waits for a running job before it answers.
        new_id: makes identifiers.
        trains_by_itself: whether solutions with automatic training train.
        seed: of what is left to chance, such as exploration.
    """

    name: str
    account: str
    aws: Aws
    act_as: ActAs
    workers: Workers
    clock: Callable[[], float] = time.time
    life_cycle: Callable[[], LifeCycle] = LifeCycle
    patience: float = 0.0
    new_id: Callable[[], uuid.UUID] = uuid.uuid4
    trains_by_itself: Callable[[], bool] = lambda: False
    seed: int = 0
    lock: RLock = field(default_factory=RLock)
    _resources: dict[str, Resource] = field(default_factory=dict)
    _created: int = 0
    _later: list[tuple[Passage, Callable[[], None]]] = field(default_factory=list)

    def arn(self, path: str) -> str:
        """The ARN of a resource path of this region."""
        return f"arn:aws:personalize:{self.name}:{self.account}:{path}"

    def s3(self, role_arn: str) -> S3Client:
        """S3 as a role sees it.

        Raises:
            JobFailedError: Personalize cannot take the role.
        """
        try:
            client: S3Client = self.act_as(role_arn).client("s3")
        except RoleNotAssumableError as error:
            raise JobFailedError(str(error)) from error
        return client

    @property
    def sequence(self) -> int:
        """How many resources were ever made; later ones have higher numbers."""
        return self._created

    def require_free(self, arn: str) -> None:
        """Check that the name is free.

        Raises:
            ResourceAlreadyExistsError: it is not.
        """
        taken = self._resources.get(arn)
        if taken is not None and not taken.gone:
            raise ResourceAlreadyExistsError(arn)

    def add(self, resource: R) -> R:
        """Keep a new resource.

        Raises:
            ResourceAlreadyExistsError: its ARN is taken.
        """
        with self.lock:
            self.require_free(resource.arn)
            self._begin(resource)
            self._created += 1
            resource.sequence = self._created
            self._resources[resource.arn] = resource
        return resource

    def change(
        self,
        resource: Updatable,
        shown: dict[str, Any],
        effect: Callable[[], None],
        *,
        brings: Resource | None = None,
        work: Callable[[Job], None] | None = None,
    ) -> None:
        """Begin an update, which takes the time that making the resource does.

        Args:
            resource: to be changed; nothing else may change it.
            shown: what describe answers say of the update.
            effect: makes the change. It comes at the end; if the update fails, not at all.
            brings: what the resource is about to get.
            work: what the update computes in the background before.
        """
        with self.lock:
            now = self.clock()
            update = Update(
                arn=resource.arn, settings=shown, created=now, updated=now, brings=brings
            )
            update.state = update.state if work else ACTIVE
            self._begin(update)
            resource.update = update
        if work:
            self.workers.start(self, update, partial(self._work, resource, update, effect, work))
            return
        update.finished.set()
        if not update.doomed:
            self._replace(resource, update, effect)

    def _begin(self, resource: Resource) -> None:
        """Give a creation or an update its time and its fate."""
        life_cycle = self.life_cycle()
        resource.passage = life_cycle.passage(kind_of(resource.arn), self.clock)
        resource.doomed = life_cycle.failure(resource.arn)
        if resource.doomed and resource.state == ACTIVE:
            resource.state, resource.failure = FAILED, resource.doomed

    def _work(
        self,
        resource: Updatable,
        update: Update,
        effect: Callable[[], None],
        work: Callable[[Job], None],
    ) -> None:
        work(update)
        self._replace(resource, update, effect)

    def _replace(self, resource: Updatable, update: Update, effect: Callable[[], None]) -> None:
        """Let an update take effect at the end of its time, whenever that is noticed."""
        end = max(self.clock(), update.passage.ending if update.passage else 0.0)

        def replace() -> None:
            with self.lock:
                effect()
                resource.updated = end

        self.after(update.passage, replace)

    def get(self, kind: type[R], arn: str) -> R:
        """The resource of that kind and ARN.

        Raises:
            ResourceNotFoundError: there is none.
        """
        resource = self._resources.get(arn)
        if not isinstance(resource, kind) or resource.gone:
            raise ResourceNotFoundError(arn)
        return resource

    def find(self, arn: str) -> Resource:
        """The resource of any kind.

        Raises:
            ResourceNotFoundError: there is none.
        """
        return self.get(Resource, arn)

    def get_active(self, kind: type[R], arn: str) -> R:
        """As `get`, for what another resource is to be built on.

        Raises:
            ResourceNotFoundError: there is none.
            ResourceInUseError: it is being made.
            InvalidInputError: it failed or was stopped.
        """
        resource = self.get(kind, arn)
        if resource.status in CHANGING:
            raise ResourceInUseError(f"Resource {arn} is in {resource.status} state; wait for it.")
        if resource.status != ACTIVE:
            raise InvalidInputError(f"Resource {arn} is in {resource.status} state, not ACTIVE.")
        return resource

    def all(self, kind: type[R]) -> list[R]:
        """All resources of the kind, oldest first."""
        with self.lock:
            entries = [entry for entry in self._resources.values() if not entry.gone]
        return [entry for entry in entries if isinstance(entry, kind)]

    def after(self, passage: Passage | None, effect: Callable[[], None]) -> None:
        """Let something take effect at the end of the passage; at once without one."""
        if passage is None or passage.over:
            effect()
            return
        with self.lock:
            self._later.append((passage, effect))

    def settle(self) -> None:
        """Let take effect what has come to its time, in the order of those times.

        Every request begins with it, so it holds no lock while something large takes effect.
        """
        if not self._later:
            return
        with self.lock:
            now = self.clock()
            due = [entry for entry in self._later if entry[0].ending <= now]
            self._later = [entry for entry in self._later if entry[0].ending > now]
        for _, effect in sorted(due, key=lambda entry: entry[0].ending):
            effect()

    def remove(self, resource: Resource) -> None:
        """Begin to delete a resource that is in no changing state; without slow steps, end too.

        Raises:
            ResourceInUseError: it is being made or updated.
        """
        with self.lock:
            require_unchanging(resource)
            if resource.status in CHANGING:
                raise ResourceInUseError(
                    f"Resource {resource.arn} is in {resource.status} state and cannot be deleted."
                )
            resource.leaving = self.life_cycle().passage(DELETION, self.clock)
            if resource.leaving is None:
                self._resources.pop(resource.arn, None)


def require_unchanging(resource: Resource) -> None:
    """Check that no update of the resource is under way.

    Raises:
        ResourceInUseError: there is one.
    """
    if isinstance(resource, Updatable) and resource.being_updated:
        raise ResourceInUseError(f"Resource {resource.arn} is being updated; wait for it.")
