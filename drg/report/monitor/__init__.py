"""The fund monitor (基金运行监测) as a page: verdict, months, warnings, drivers, performance."""
