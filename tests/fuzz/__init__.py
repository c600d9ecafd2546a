"""The command line on spoilt files: ``python -m tests.fuzz --runs 10000``.

Each run takes a command, spoils one or more of the files it is given, and asks of the outcome what
every user may: status 0, 1 or 2, one line on a failure, no output of a failed run, nothing left
over, rows in = rows out. A run hangs on its seed and number alone.
"""
