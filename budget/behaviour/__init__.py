"""Behaviour (行为反应): how hospitals may react to prices and gains."""
