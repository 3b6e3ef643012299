"""Stands where sandboxes look for the SDK: runs the source of an attempt and tells what came of it."""
