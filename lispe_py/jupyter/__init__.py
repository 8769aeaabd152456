"""LispE in Jupyter: the kernel (``python -m lispe_py.jupyter``), the extra ``jupyter``."""
