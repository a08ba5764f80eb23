"""Vision-language models: CLIP and ViLT behind one small interface, their fine-tuning, and how the tiny base is made."""
