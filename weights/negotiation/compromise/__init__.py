"""Compromise (折中方案): weights that keep all demands and are best by an aim."""
