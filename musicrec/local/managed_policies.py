"""AWS's own managed policies, which code attaches to roles without making them first.

moto has them all, and either reads them before an account's first request, which takes half a second
and 20 MB, or not at all. `install` lets a server read them when one is asked for.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend, ManagedPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator

OWNED_BY_AWS: Final = ":iam::aws:policy/"


class Policies(dict[str, ManagedPolicy]):
    """An account's managed policies by ARN; AWS's join them at the first look at one or at all.

    Args:
        backend: moto's store of the account, which keeps a list of AWS's policies as well.
    """

    def __init__(self, backend: IAMBackend) -> None:
        super().__init__()
        self._backend = backend

    def values(self) -> Any:
        """Every policy, as `dict` gives them."""
        self._read()
        return super().values()

    def __iter__(self) -> Iterator[str]:
        self._read()
        return super().__iter__()

    def __contains__(self, arn: object) -> bool:
        if OWNED_BY_AWS in str(arn):
            self._read()
        return super().__contains__(arn)

    def _read(self) -> None:
        listed = self._backend.aws_managed_policies
        if listed:
            return
        for name, about in json.loads(aws_managed_policies_data).items():
            policy = AWSManagedPolicy.from_data(
                name, self._backend.account_id, self._backend.region_name, about
            )
            listed.append(policy)
            self[policy.arn] = policy


def _policies(backend: IAMBackend) -> dict[str, ManagedPolicy]:
    return Policies(backend)


_METHOD: Final = "_init_managed_policies"
_original: Final[Any] = getattr(IAMBackend, _METHOD)


def install() -> None:
    """From now on new accounts of this process have AWS's policies."""
    setattr(IAMBackend, _METHOD, _policies)


def uninstall() -> None:
    """Give moto its own way back."""
    setattr(IAMBackend, _METHOD, _original)
