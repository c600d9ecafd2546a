"""The record (办理记录): entries chained by hash, added and never changed; receipts of it."""
