{dt: (
  if type == "object"
    and (keys - ["event_id", "schema_version", "user_id", "session_id", "track_id", "event_type",
      "occurred_at", "source", "listened_ms", "duration_ms", "position_ms", "context_uri",
      "device_type", "recommendation_id", "track"]) == []
    and ([.event_id, .track_id, .user_id, .session_id] | all(type == "string"))
    and (.event_id | length) == 36
    and (.track_id | length) == 22
    and ([.user_id, .session_id] | all(length >= 1 and length <= 256))
    and .schema_version == 1
    and (.event_type as $it | any(
      "play", "complete", "skip", "stop", "pause", "resume", "seek"; . == $it))
    and (.source as $it | any("live", "recently_played", "export", "simulated"; . == $it))
    and (.occurred_at | type == "number" and . == floor
      and . >= 946684800000 and . <= 4102444800000)
    and ([.listened_ms, .duration_ms, .position_ms] | all(
      . == null or (type == "number" and . == floor and . >= 0 and . <= 86400000)))
    and (.context_uri | . == null or (type == "string" and length <= 256))
    and (.device_type | . == null or (type == "string" and length <= 64))
    and (.recommendation_id | . == null or (type == "string" and length <= 40))
    and (.track | . == null or (type == "object"
      and (keys - ["name", "artists", "album"]) == []
      and (.name | type == "string" and length <= 1000)
      and ((has("artists") | not) or (.artists | type == "array" and length <= 50
        and all(type == "string" and length <= 1000)))
      and (.album | . == null or (type == "string" and length <= 1000))))
  then (.occurred_at / 1000 | floor | strftime("%Y-%m-%d"))
  else error("not a listening event")
  end
)}
