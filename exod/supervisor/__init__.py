"""Requests → jobs → a running plugin: what is planned is journalled, done in order, and undone in reverse if it fails.

Refuses what the table of states, the trust of today or another plugin's needs stand against; each refusal is audited.
May use `plan` and what is below it, and the world only through `ports`: it runs unchanged on a virtual clock.
"""
