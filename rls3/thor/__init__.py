"""The client of AI2-THOR: SceneSpec -> Scene through the real `ai2thor` Controller.

Which end answers is `backend.py`'s matter.
"""
