"""The web UI: pages rendered on the server, under the same guards, identity and rules as the API.

Nothing is decided here. Pages show what the engine answers and send it what people did; whether they may is decided
where it is for everybody else. Every page works without scripts; with them it saves drafts and follows what happens.
"""
