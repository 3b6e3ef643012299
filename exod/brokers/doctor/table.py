"""All checks, in the order in which they are shown: the floor first, then exod's own things, then the host's."""

from exod.brokers.doctor import groups, kernel, leftovers, places, system, trusted, walls

CHECKS = (
    *walls.CHECKS,
    *groups.CHECKS,
    *places.CHECKS,
    *trusted.CHECKS,
    *leftovers.CHECKS,
    *system.CHECKS,
    *kernel.CHECKS,
)
