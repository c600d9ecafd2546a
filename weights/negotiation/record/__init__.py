"""The record (谈判记录): entries chained by hash, added and never changed."""
