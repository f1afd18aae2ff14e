"""Benchmarks: tableflow and its peers side by side in one run, as ratios. `make bench` prints them."""
