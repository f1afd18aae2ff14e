"""The step types: a folder each, of one shape.

`cells/steps/<type>/__init__.py` offers `step_type() -> StepType`; nothing else in the project names the types.
"""
