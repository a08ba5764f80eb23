"""Samples: an image, its captions true and false, and everything that explains them."""
