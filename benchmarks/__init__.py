"""Measurements: commands that print the figures of docs/performance.md. Never run as tests."""
