"""The case table (病例表): its columns, the headers it answers to, and how its cells are read."""

from drg.cases.columns import CANONICAL, CaseColumns, read_mapping, recognise

__all__ = ["CANONICAL", "CaseColumns", "read_mapping", "recognise"]
