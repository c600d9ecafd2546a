"""Explanations (入组解释): why a case has its group, and what one code does."""
