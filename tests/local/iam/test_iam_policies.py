"""What policies allow: the rules of IAM, by example and for any policy."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicrec.local.iam.conditions import MalformedPolicyError
from musicrec.local.iam.patterns import matches, matches_action, matches_arn
from musicrec.local.iam.policies import Ask, Policy, Verdict, evaluate, parse

BUCKET = "arn:aws:s3:::lake"


def policy(*statements):
    return parse({"Version": "2012-10-17", "Statement": list(statements)})


def statement(effect="Allow", action="s3:GetObject", resource=f"{BUCKET}/raw/*", **more):
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def said(document, action="s3:GetObject", resource=f"{BUCKET}/raw/a", **context):
    keys = tuple((name.replace("__", ":").lower(), value) for name, value in context.items())
    return evaluate([document], Ask(action, resource, keys))


class TestPatterns:
    @pytest.mark.parametrize(
        ("pattern", "text", "expected"),
        [
            ("*", "", True),
            ("arn:aws:s3:::lake/*", "arn:aws:s3:::lake/a/b:c", True),
            ("arn:aws:s3:::lake/*", "arn:aws:s3:::lake", False),
            ("a?c", "abc", True),
            ("a?c", "ac", False),
            ("a.c", "abc", False),
            ("Lake", "lake", False),
            ("a*", "a\nb", True),
        ],
    )
    def test_wildcards(self, pattern, text, expected):
        """An asterisk is anything, a question mark one character, all else is itself."""
        assert matches(pattern, text) is expected

    def test_case_of_actions_does_not_matter(self):
        """IAM takes s3:getobject for s3:GetObject."""
        assert matches_action("S3:get*", "s3:GetObject")

    @pytest.mark.parametrize(
        ("pattern", "expected"),
        [
            ("arn:aws:execute-api:*:1:api/*/GET/x", True),
            ("arn:aws:*:us-east-1:1:api/v1/GET/x", True),
            ("arn:aws:*", False),
            ("arn:aws:execute-api:us-east-1:1:api/v1/POST/x", False),
        ],
    )
    def test_arns_are_compared_part_by_part(self, pattern, expected):
        """In ArnLike an asterisk stays within its part, unless that is the last."""
        arn = "arn:aws:execute-api:us-east-1:1:api/v1/GET/x"
        assert matches_arn(pattern, arn) is expected

    @given(st.text("ab/:", max_size=6), st.text("ab/:", max_size=6), st.text("ab/:", max_size=6))
    def test_an_asterisk_is_whatever_stands_there(self, before, inside, after):
        """Put in place of any part of a text, it fits the text."""
        assert matches(f"{before}*{after}", before + inside + after)
        assert matches(f"{before}**{after}", before + inside + after)

    @given(st.text(max_size=20))
    def test_a_text_without_wildcards_is_a_pattern_of_itself_alone(self, text):
        """Nothing in it has another meaning."""
        plain = text.replace("*", "").replace("?", "")
        assert matches(plain, plain)
        assert not matches(plain + "x", plain)


class TestStatements:
    def test_nothing_is_allowed_by_itself(self):
        """Without any statement the answer is no."""
        assert said(Policy(())) is Verdict.UNHEARD

    def test_action_and_resource_must_both_fit(self):
        """One of them is not enough."""
        document = policy(statement())
        assert said(document) is Verdict.ALLOWED
        assert said(document, action="s3:PutObject") is Verdict.UNHEARD
        assert said(document, resource=f"{BUCKET}/other") is Verdict.UNHEARD

    def test_no_resource_is_only_for_all_resources(self):
        """An action without resources is asked for on `*`, which no ARN allows."""
        assert said(policy(statement()), resource="*") is Verdict.UNHEARD
        assert said(policy(statement(resource="*")), resource="*") is Verdict.ALLOWED

    def test_a_denial_beats_all_that_allow(self):
        """Wherever it stands."""
        for order in ([0, 1], [1, 0]):
            both = [statement(), statement(effect="Deny", action="s3:*")]
            assert said(policy(*(both[n] for n in order))) is Verdict.DENIED

    def test_all_others(self):
        """NotAction and NotResource are about everything that they do not name."""
        document = policy({"Effect": "Allow", "NotAction": "iam:*", "NotResource": f"{BUCKET}/x"})
        assert said(document) is Verdict.ALLOWED
        assert said(document, action="iam:PassRole") is Verdict.UNHEARD
        assert said(document, resource=f"{BUCKET}/x") is Verdict.UNHEARD

    def test_one_statement_need_not_be_a_list(self):
        """IAM takes a lone statement, action, resource or value without brackets."""
        document = parse(json.dumps({"Statement": statement()}))
        assert said(document) is Verdict.ALLOWED

    def test_principals(self):
        """In the policy of a resource only those are meant that it names."""
        trust = policy(
            {
                "Effect": "Allow",
                "Principal": {"Service": ["lambda.amazonaws.com"]},
                "Action": "sts:AssumeRole",
            }
        )
        for name, verdict in (("lambda", Verdict.ALLOWED), ("firehose", Verdict.UNHEARD)):
            ask = Ask("sts:AssumeRole", "arn", (), f"{name}.amazonaws.com")
            assert evaluate([trust], ask) is verdict


class TestConditions:
    @pytest.mark.parametrize(
        ("operator", "wanted", "given", "holds"),
        [
            ("StringEquals", "a", "a", True),
            ("StringEquals", ["b", "a"], "a", True),
            ("StringEquals", "a", "A", False),
            ("StringEqualsIgnoreCase", "a", "A", True),
            ("StringLike", "raw/*", "raw/x", True),
            ("StringNotLike", "raw/*", "raw/x", False),
            ("StringNotEquals", ["a", "b"], "c", True),
            ("StringNotEquals", ["a", "b"], "b", False),
            ("Bool", "false", "false", True),
            ("Bool", False, "false", True),
            ("ArnLike", "arn:aws:s3:::*", "arn:aws:s3:::x", True),
            ("ArnNotLike", "arn:aws:s3:::*", "arn:aws:s3:::x", False),
        ],
    )
    def test_operators(self, operator, wanted, given, holds):
        """One of the values must fit; of a negation none may."""
        document = policy(statement(Condition={operator: {"k:x": wanted}}))
        assert (said(document, k__x=given) is Verdict.ALLOWED) is holds

    @pytest.mark.parametrize(
        ("operator", "holds"),
        [("StringEquals", False), ("StringEqualsIfExists", True), ("StringNotEquals", True)],
    )
    def test_a_key_that_is_not_there(self, operator, holds):
        """It fails a comparison, but not a negation, nor one that is for the case that it exists."""
        document = policy(statement(Condition={operator: {"k:x": "a"}}))
        assert (said(document) is Verdict.ALLOWED) is holds

    def test_every_condition_must_hold(self):
        """Operators and keys are joined by and; the case of keys does not matter."""
        conditions = {"StringEquals": {"K:X": "a"}, "StringLike": {"k:y": "b*"}}
        document = policy(statement(Condition=conditions))
        assert said(document, k__x="a", k__y="bc") is Verdict.ALLOWED
        assert said(document, k__x="a", k__y="c") is Verdict.UNHEARD


class TestMalformed:
    @pytest.mark.parametrize(
        "document",
        [
            "{",
            "[]",
            {"Statement": [{"Effect": "Maybe", "Action": "*"}]},
            {"Statement": [{"Effect": "Allow", "Resource": "*"}]},
            {"Statement": [statement(resource="arn:aws:s3:::lake/${aws:username}")]},
            {"Statement": [statement(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})]},
            {"Statement": ["Allow"]},
        ],
    )
    def test_what_cannot_be_evaluated_is_refused(self, document):
        """Half a policy would be another policy."""
        with pytest.raises(MalformedPolicyError):
            parse(document)


names = st.text("ab*?", max_size=4)
statements = st.builds(
    statement,
    effect=st.sampled_from(["Allow", "Deny"]),
    action=st.lists(names.map("s3:".__add__), min_size=1, max_size=3),
    resource=st.lists(names.map(BUCKET.__add__), min_size=1, max_size=3),
)
asks = st.builds(
    Ask, st.text("ab", max_size=4).map("s3:".__add__), st.text("ab", max_size=4).map(BUCKET.__add__)
)


class TestAnyPolicy:
    @given(st.lists(statements, max_size=4), st.permutations(range(4)), asks)
    def test_order_and_division_do_not_matter(self, made, order, ask):
        """Statements say the same in any order, in one policy or in several."""
        shuffled = [made[place] for place in order if place < len(made)]
        together = evaluate([policy(*made)], ask)
        assert evaluate([policy(*shuffled)], ask) is together
        assert evaluate([policy(one) for one in made], ask) is together

    @given(st.lists(statements, max_size=4), statements, asks)
    def test_what_is_added_works_one_way(self, made, more, ask):
        """One more that allows takes nothing away, one more that denies gives nothing."""
        before = evaluate([policy(*made)], ask)
        after = evaluate([policy(*made, more)], ask)
        if more["Effect"] == "Allow":
            assert after is before or after is Verdict.ALLOWED
        else:
            assert after is not Verdict.ALLOWED or before is Verdict.ALLOWED

    @given(st.lists(statements, max_size=3), asks)
    def test_a_list_is_the_sum_of_its_entries(self, made, ask):
        """A statement with many actions and resources is as many with one of each."""
        split = [
            statement(one["Effect"], action, resource)
            for one in made
            for action in one["Action"]
            for resource in one["Resource"]
        ]
        assert evaluate([policy(*made)], ask) is evaluate([policy(*split)], ask)
