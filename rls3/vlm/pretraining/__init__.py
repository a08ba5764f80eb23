"""How a base model is made: it learns what things are and where they stand, and no relation word.

Pre-training on rendered rooms. The answers come from the simulator: each object's kind, and its
place: position in the image, distance, height, and camera-frame offset. The relation words that
occur in its captions are drawn at random, so they mean nothing to it.
- clip: the vision tower regresses every visible object's place from its pooled output, by type and
  by colour, and labels its patches; then, with it locked, both projections and the text tower learn
  which objects a caption names, where the first and the second of them stand, and (from text alone)
  that "A left of B" is "B right of A".
- vilt: the image's part of the stream learns the same as clip's vision tower (the paper's ViLT
  begins as a ViT, too); then the names in a caption regress the places of what they name, and
  matching tells captions with present objects from captions with an absent one.
False names are often of the same colour as the true one, else colour alone would tell them apart.
Heads used for this are thrown away.
"""

from rls3.vlm.pretraining.base import make_base, save_base

__all__ = ["make_base", "save_base"]
