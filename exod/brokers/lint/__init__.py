"""Python files of a package → findings, file:line: for honest authors, and as a tripwire; the sandbox is the wall.

Refuses a load, unless the administrator says otherwise, for what is never right in a plugin; only shows the rest.
Rules are pure and also run in `exoctl package lint`; the daemon parses nothing itself, but has it done by a process
without any right. May use `linux`, `plan`, `package`; keeps nothing.
"""
