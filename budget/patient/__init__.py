"""Patient share (个人负担): what patients and other payers bear."""
