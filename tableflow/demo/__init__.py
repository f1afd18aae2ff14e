"""The demo: a provider of made-up answers under /demo/, and the table that the first start seeds."""
