"""The producer: watches one listener's Spotify player and sends what happened as listening events.

Plays, completions and skips are what the recommender learns from, and the platform reports none of
them: its player tells only what it shows at the moment of asking. The modules go from that answer
to the ingestion API: `spotify` asks, `player` infers, `mapping` names, `outbox` keeps, `ingest`
sends, and `tracker` is the loop around them.
"""
