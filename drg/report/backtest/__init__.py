"""The backtest (回溯检验): a projected year beside the year that came, as a page."""
