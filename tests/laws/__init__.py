"""The engine against its laws: random deeds of people, workers and faults, one transaction at a time, and a model.

`world` does the deeds with the engine's own functions on a real database; no process runs beside it. `view` reads what
stands there, `laws` remembers what happened and says what must hold, `machine` chooses the deeds (hypothesis).
`python -m tests.laws --minutes 30` looks for longer than the tests do.
"""
