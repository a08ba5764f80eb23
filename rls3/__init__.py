"""RLS3: find where a vision-language model fails at spatial reasoning, and make the scenes that
mend it."""

__version__ = "0.1.0"
