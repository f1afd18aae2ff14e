"""Workflows: their definition, their versions, and how one runs."""
