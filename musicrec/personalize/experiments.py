"""A second campaign for a share of the listeners: what the recommendations API splits them by.

The experiment is one SSM parameter, which the API reads anew within a minute: it starts and ends
without a deployment. While it is unset the stack's own campaign answers everybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from musicrec import dealing
from musicrec.deployment import parameter_name
from musicrec.parameters import UNSET

if TYPE_CHECKING:
    from musicrec.deployment import Deployment

PARAMETER: Final = "experiment"

ArmName = Literal["control", "treatment"]


class ExperimentFormatError(ValueError):
    """The parameter does not hold an experiment."""


class Experiment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two campaigns beside each other.

    Attributes:
        name: deals the listeners; another name deals them anew.
        campaign_arn: the campaign that the treatment arm is asked of.
        share: of the listeners who get it, 0 to 1; the others stay with the stack's campaign.
    """

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    campaign_arn: Annotated[str, Meta(pattern=r"^arn:[\w-]+:personalize:.+:campaign/.+$")]
    share: Annotated[float, Meta(ge=0, le=1)] = 0.5

    def arm(self, user_id: str) -> ArmName:
        """The arm of a listener; the same whenever it is asked."""
        is_treated = dealing.is_within(self.share, self.name, user_id)
        return "treatment" if is_treated else "control"


def decode(text: str) -> Experiment:
    """Read the parameter's value.

    Raises:
        ExperimentFormatError: it holds none; the message says why.
    """
    try:
        return msgspec.json.decode(text, type=Experiment)
    except msgspec.MsgspecError as error:
        raise ExperimentFormatError(
            f"no experiment but {text[:200]!r} ({error}); start one with "
            "musicrec.personalize.experiments.start"
        ) from error


def start(ssm: Any, deployment: Deployment, experiment: Experiment) -> None:
    """Split the listeners from now on, or by another share; the API follows within a minute.

    Args:
        ssm: client.
        deployment: whose listeners.
        experiment: its campaign must be ACTIVE; see `campaigns.ensure` with a name of its own.

    Raises:
        ExperimentFormatError: a name, an ARN or a share is none.
    """
    text = msgspec.json.encode(experiment).decode()
    decode(text)  # what a constructor takes is not checked
    _publish(ssm, deployment, text)


def end(ssm: Any, deployment: Deployment) -> None:
    """Ask the stack's own campaign for everybody again; the other one goes on billing."""
    _publish(ssm, deployment, UNSET)  # deleting what was deployed would be drift


def _publish(ssm: Any, deployment: Deployment, value: str) -> None:
    name = parameter_name(deployment.name, PARAMETER)
    ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
