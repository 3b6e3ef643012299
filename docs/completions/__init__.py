"""Completions of exoctl for bash, zsh and fish, from the commands as click knows them.

Live names (plugins, jobs) are asked of the bus by busctl, never by Python: a TAB must not wait for an interpreter, and
must not start a daemon that is down.
"""
