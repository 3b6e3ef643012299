"""Python values → system calls → Python values or OSError, under the kernel's own names.

Decides nothing: no policy, no default that hides a flag, no retry but on EINTR.
May use ctypes and the standard library; knows no other room.
"""
