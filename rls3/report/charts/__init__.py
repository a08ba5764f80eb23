"""Charts as SVG, one module a kind: pure functions of numbers."""
