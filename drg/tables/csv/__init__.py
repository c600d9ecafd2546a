"""CSV files, read and written whatever their quotes, encoding and size."""
