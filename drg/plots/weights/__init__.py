"""Pictures of relative weights (权重图): cost of a group, ladder of severities, against before."""
