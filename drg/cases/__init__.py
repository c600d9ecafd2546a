"""The case table (病例表): its columns, the headers it answers to, and how its cells are read."""

from drg.cases.columns import CANONICAL, CaseColumns, columns_of, read_mapping, recognise

__all__ = ["CANONICAL", "CaseColumns", "columns_of", "read_mapping", "recognise"]
