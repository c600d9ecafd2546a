"""A round of negotiation (权重论证谈判) from its folder: what ties weights and budget together."""
