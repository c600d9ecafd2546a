"""Audit (基金监管审核): rules as data, findings, hospitals against their peers, indicators."""
