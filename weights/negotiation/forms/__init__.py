"""Forms (填报表): small tables that people fill in, whatever file they come in."""
