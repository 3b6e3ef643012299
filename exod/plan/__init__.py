"""A request and what is known of the world → what would be done: LoadOrder, Confinement, Plan of Steps. Pure.

Refuses by name whatever cannot be granted, resolved or enforced; never leaves anything out in silence.
May use `package` and `trust` only: no file, no clock, no loop; what it needs of the world comes as arguments.
"""
