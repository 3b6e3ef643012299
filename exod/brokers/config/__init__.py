"""A plugin's question over its channel → a setting of the system or of a plugin, read or changed: what `config` grants.

Refuses every key that the instance does not hold at that moment, changes of the system, and who asks too often; each
use is in the audit. May use `plan` and what the supervisor hands it; holds no setting itself.
"""
