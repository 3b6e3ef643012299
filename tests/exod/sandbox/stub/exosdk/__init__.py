"""Stands where sandboxes look for the SDK, so that tests of the walls need no plugin: it evaluates what it is sent."""
