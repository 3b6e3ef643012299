"""The command line: words → calls of exod on the bus, or files of packages and keys; answers → tables or JSON.

Refuses in exod's own terms: code, sentence, next step, exit code. Of exod it imports package, trust, errors, names.
"""
