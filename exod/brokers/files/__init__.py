"""Files and directories of the host → detached mounts for one instance: what `filesystem` grants.

Refuses, whatever was granted, the host's own state, kernel interfaces and all that holds them; links, devices, sockets,
file systems that others answer for; and writing to what root owns. May use `linux` and `plan`; keeps nothing.
"""
