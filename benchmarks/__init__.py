"""Comparisons of LispE with Python on the same machine, in the same run."""
