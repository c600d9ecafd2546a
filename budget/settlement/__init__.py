"""Settlement of a year (年度清算): the order of it all, and its tables."""
