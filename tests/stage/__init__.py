"""An app whose functions let a test see, hold and count what cells do."""
