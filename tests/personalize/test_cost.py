import pytest

from musicrec.personalize import cost
from musicrec.personalize.cost import NotConfirmedError


class TestEstimate:
    def test_import_is_billed_by_the_gigabyte(self):
        """Twenty gigabytes at five cents are a dollar, once."""
        estimate = cost.of_import(20 * 10**9)
        assert (estimate.once, estimate.monthly) == (pytest.approx(1.0), 0)

    def test_v2_training_is_billed_by_interactions(self):
        """A million interactions cost two dollars."""
        assert cost.of_training(1_000_000).once == pytest.approx(2.0)

    def test_earlier_recipes_are_billed_by_hours(self):
        """Whatever the interactions, hours count."""
        estimate = cost.of_training(1_000_000, family="before v2", hours=10)
        assert estimate.once == pytest.approx(2.4)

    def test_idle_campaign_of_an_earlier_recipe_costs_146_dollars(self):
        """One request a second provisioned for a month, asked or not."""
        assert cost.of_campaign(0, family="before v2").monthly == pytest.approx(146)

    def test_v2_campaign_is_given_without_and_with_the_disputed_minimum(self):
        """Requests alone, or the provisioned minimum where that is more."""
        estimate = cost.of_campaign(100_000)
        assert estimate.monthly == pytest.approx(15)
        assert estimate.monthly_with_floor == pytest.approx(146)
        assert cost.of_campaign(2_000_000).monthly_with_floor == pytest.approx(300)

    def test_table_says_what_is_uncertain(self):
        """The reader sees every position, the totals, and that the prices need confirming."""
        text = str(cost.combined(cost.of_import(10**9), cost.of_campaign(100_000)))
        assert "bulk import" in text
        assert "total: $0.05 once, $15.00 to $146.00 a month" in text
        assert "aws.amazon.com/personalize/pricing" in text

    def test_less_than_a_cent_is_not_shown_as_free(self):
        """What costs little does not look as if it cost nothing."""
        assert "total: <$0.01 once, $0.00 to $0.00 a month" in str(cost.of_import(10**6))


class TestConfirmation:
    def test_is_required(self):
        """Without a yes the step stops and the message has the amounts."""
        with pytest.raises(NotConfirmedError, match=r"about \$0.00 now and \$15.00 to \$146.00"):
            cost.require_confirmation("the campaign", cost.of_campaign(100_000), confirm=False)

    def test_lets_a_confirmed_step_through(self):
        """With a yes nothing happens."""
        cost.require_confirmation("the campaign", cost.of_campaign(100_000), confirm=True)
