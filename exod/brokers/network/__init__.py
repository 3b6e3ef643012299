"""A plugin's question over its channel → a TCP connection, made here and handed over: what `network` grants.

Refuses every place that the instance does not hold at that moment, names that lead to where no stranger belongs, and
who asks too often or has too many; each use is in the audit. Networks of plugins' own are the room below, `own`.
"""
