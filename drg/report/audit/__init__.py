"""The page of an audit (审核报告): what was found, where, and how sure it is; never in whom."""
