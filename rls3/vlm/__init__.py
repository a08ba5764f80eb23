"""Vision-language models: families behind one small interface, their fine-tuning, and how the tiny
base models are made."""
