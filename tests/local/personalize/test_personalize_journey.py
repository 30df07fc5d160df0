"""The whole way through the embedded Personalize, as the demonstration takes it."""

import re


class TestJourney:
    def test_streamed_plays_move_the_next_answer(self, music):
        """A listener who plays another genre is recommended that genre at once, untrained."""
        before = music.recommend(music.arns["campaign"], userId="u000", numResults=10)
        for n in range(5):
            music.send(
                "u000",
                {
                    "eventType": "complete",
                    "itemId": f"i3-{n:02}",
                    "eventValue": 1.0,
                    "sentAt": 1_800_000_000 + n,
                    "eventId": f"move-{n}",
                },
            )
        after = music.recommend(music.arns["campaign"], userId="u000", numResults=10)
        assert sum(item.startswith("i3") for item in before) < 5
        assert sum(item.startswith("i3") for item in after) >= 6

    def test_history_decides_what_is_recommended(self, music):
        """Without streamed events the imported history decides."""
        for user in ("u001", "u002", "u003"):
            items = music.recommend(music.arns["campaign"], userId=user, numResults=10)
            genre = f"i{int(user[1:]) % 4}"
            assert sum(item.startswith(genre) for item in items) >= 8

    def test_answer_has_scores_that_fall_and_a_recommendation_id(self, music):
        """Scores are positive soft-max shares with seven decimals, best first."""
        answer = music.runtime.get_recommendations(
            campaignArn=music.arns["campaign"], userId="u001", numResults=120
        )
        scores = [entry["score"] for entry in answer["itemList"]]
        assert scores == sorted(scores, reverse=True)
        assert abs(sum(scores) - 1) < 1e-3
        assert all(score == round(score, 7) for score in scores)
        assert re.fullmatch(r"RID-[0-9a-f-]{36}", answer["recommendationId"])
