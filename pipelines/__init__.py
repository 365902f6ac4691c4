"""The Dagster code location: moves data between files, library and warehouse, and computes nothing.

Not here: any statistic, any survey knowledge, any table column; see ARCHITECTURE.md.
"""
