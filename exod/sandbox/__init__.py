"""A Launch (Confinement, verified bytes, uid) → one confined process, and back to nothing.

Refuses a host where a wall of the floor cannot be raised, and an instance of which one is not seen to stand.
May use linux/ and the types of plan/; knows nothing of trust, bus or registry.
"""
