"""DRG toolkit: the ground floor (tables, cases, money, errors) and the roof (command line).

Importing this package costs nothing: it holds the version and no imports.
"""

__version__ = "1.0.0"
