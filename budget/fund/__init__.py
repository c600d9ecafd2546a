"""The fund's side (基金侧): cash by month, out-of-area prepayment, procurement savings."""
