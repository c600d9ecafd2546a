"""Budget (预算): prices cases, settles a year, projects the next. Filled by a later release."""
