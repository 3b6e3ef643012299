"""Doctor: a host → findings, one for each protection that exod rests on, found by using it.

Never says "ok" of what could not be looked at, changes nothing unless asked to repair one thing, and says that first.
Looks run in children with deadlines, in a process of their own; uses linux, trust, package, and what it is handed.
"""
