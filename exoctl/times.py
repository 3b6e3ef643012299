"""Seconds since the epoch → the one way in which moments are shown to people; machines get the number."""

from datetime import UTC, datetime


def shown(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
