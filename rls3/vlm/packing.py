"""A VLM as bytes, to be sent to a worker that may share no disk: its files in the hub's format."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from rls3.vlm.interface import VLM, save_vlm
from rls3.vlm.loading import load_vlm


@dataclass(frozen=True)
class PackedVLM:
    """files: name and content, sorted by name. device: where the model shall run."""

    family: str
    files: tuple[tuple[str, bytes], ...]
    device: str

    def unpack(self) -> VLM:
        """Raises: ModelError if there is no such device here."""
        with tempfile.TemporaryDirectory() as folder:
            for name, content in self.files:
                (Path(folder) / name).write_bytes(content)
            return load_vlm(self.family, folder, device=self.device)


def pack_vlm(vlm: VLM) -> PackedVLM:
    """Of the weights as they are now."""
    with tempfile.TemporaryDirectory() as folder:
        save_vlm(vlm, Path(folder))
        files = sorted((path.name, path.read_bytes()) for path in Path(folder).iterdir())
    return PackedVLM(vlm.family.name, tuple(files), vlm.device.type)
