"""Spatial relations from geometry, and the captions that state them."""
