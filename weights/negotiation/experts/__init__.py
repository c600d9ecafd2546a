"""Experts (专家): roster, panels by lot, votes and their tally."""
