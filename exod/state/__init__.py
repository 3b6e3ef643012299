"""What must survive: turns records and bytes into files that a crash at any moment leaves whole.

Refuses what others may have written, what went back in time, and what it cannot read; never silently makes a new one.
May use the rooms below the waterline and `linux/`; knows nothing of supervisor, bus, sandbox. Blocks only in threads.
"""
