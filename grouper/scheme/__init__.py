"""Schemes (分组方案): packs, overlays, the rule language, and schemes compiled to arrays."""
