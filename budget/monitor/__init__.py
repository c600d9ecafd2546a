"""The fund monitor (基金运行监测): months, the year-end forecast, warnings and drivers."""
