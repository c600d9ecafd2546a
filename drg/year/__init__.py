"""The book of a year (年度账册): paid month by month, corrected as it comes, cleared at its end."""
