"""Live events: what has changed, told to whoever listens. The only sender of hints.

An event is a hint. It is sent after the commit that it tells of, and nothing depends on its coming: who listens asks
anew for what it names. The way of one: `marks` gathers what a transaction changed, `flusher` carries it to Redis, the
scripts of `log` make at most four hints a second of it for each table and append them to the log with ids that only
rise; `reader` follows the log in each web process, and `ndjson`, `sse` and `wakes` pass it on.
"""
