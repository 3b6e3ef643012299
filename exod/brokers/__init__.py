"""First-party subsystems inside the daemon: each holds a privilege and grants pieces of it to plugins.

A room each; refuses, in its rules, what no policy may grant. Rooms do not know each other, the sandbox, or the state:
they are handed what they need where the daemon is wired.
"""
