"""The minutes of a negotiation (权重论证谈判会议纪要)."""
