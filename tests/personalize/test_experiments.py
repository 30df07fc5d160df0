import boto3
import pytest
from aws_world import DEPLOYMENT
from moto import mock_aws

from musicrec.parameters import UNSET
from musicrec.personalize import experiments
from musicrec.personalize.experiments import Experiment, ExperimentFormatError

CAMPAIGN = "arn:aws:personalize:us-east-1:123456789012:campaign/other"
PUBLISHED = "/musicrec/experiment"


@pytest.fixture
def ssm():
    with mock_aws():
        yield boto3.client(
            "ssm", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
        )


class TestExperiment:
    def test_a_listener_stays_in_one_arm(self):
        """The arm follows from the experiment's name and the listener alone."""
        one = Experiment(name="sims", campaign_arn=CAMPAIGN)
        arms = {user: one.arm(user) for user in map(str, range(500))}
        again = Experiment(name="sims", campaign_arn=f"{CAMPAIGN}-2")
        assert arms == {user: again.arm(user) for user in arms}
        assert set(arms.values()) == {"control", "treatment"}

    @pytest.mark.parametrize(("share", "arm"), [(0.0, "control"), (1.0, "treatment")])
    def test_share_of_all_or_none(self, share, arm):
        """An experiment can be held ready, and can take everybody."""
        assert Experiment(name="n", campaign_arn=CAMPAIGN, share=share).arm("u") == arm


class TestStart:
    def test_it_is_published_and_ended(self, ssm):
        """The parameter holds what decodes to the same experiment; ending leaves it as deployed."""
        running = Experiment(name="sims", campaign_arn=CAMPAIGN, share=0.1)
        experiments.start(ssm, DEPLOYMENT, running)
        value = ssm.get_parameter(Name=PUBLISHED)["Parameter"]["Value"]
        assert experiments.decode(value) == running
        experiments.end(ssm, DEPLOYMENT)
        experiments.end(ssm, DEPLOYMENT)
        assert ssm.get_parameter(Name=PUBLISHED)["Parameter"]["Value"] == UNSET

    @pytest.mark.parametrize("change", [{"share": 1.5}, {"name": ""}, {"campaign_arn": "other"}])
    def test_nonsense_is_refused(self, ssm, change):
        """What the API could not read is not published."""
        given = {"name": "n", "campaign_arn": CAMPAIGN, "share": 0.5} | change
        with pytest.raises(ExperimentFormatError, match="no experiment"):
            experiments.start(ssm, DEPLOYMENT, Experiment(**given))
        assert ssm.get_parameters(Names=[PUBLISHED])["Parameters"] == []


@pytest.mark.parametrize(
    "text", ["", "{}", "unset", "[]", '{"name": "n"}', '{"name": "n", "campaign": "x"}']
)
def test_what_is_none_says_so(text):
    """A value that holds no experiment is an error that names the next step."""
    with pytest.raises(ExperimentFormatError, match=r"experiments\.start"):
        experiments.decode(text)
