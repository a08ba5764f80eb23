"""What all training shares: the matrices of a transformer's layers by Muon, all else by AdamW."""

from collections.abc import Sequence

import torch
from torch import nn


class Optimizers:
    """Muon costs some 7 % more a step than AdamW alone, which stands on a plateau for hundreds of
    steps before a tiny model finds where things are, or what a relation means.

    Attributes:
        rules: "adamw" (embeddings, projections, biases, norms, heads) and, if it has anything to
            do, "muon".
    """

    def __init__(
        self,
        module: nn.Module,
        trainable: Sequence[nn.Parameter],
        weight_decay: float,
        muon_rate: float,
    ) -> None:
        """
        Args:
            module: whose parameters' names say which belong to a layer.
            muon_rate: Muon's learning rate, of AdamW's; 0 leaves all to AdamW.
        """
        chosen = {id(weight) for weight in trainable}
        layers = [
            weight
            for name, weight in module.named_parameters()
            if muon_rate and ".layer" in f".{name}" and weight.ndim == 2 and id(weight) in chosen
        ]
        by_muon = {id(weight) for weight in layers}
        rest = [weight for weight in trainable if id(weight) not in by_muon]
        self._shares = {"adamw": 1.0, "muon": muon_rate}
        self.rules: dict[str, torch.optim.Optimizer] = {
            "adamw": torch.optim.AdamW(rest, weight_decay=weight_decay, fused=True)
        }
        if layers:
            self.rules["muon"] = torch.optim.Muon(
                layers, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"
            )

    def zero_grad(self) -> None:
        for optimizer in self.rules.values():
            optimizer.zero_grad()

    def step(self, rate: float) -> None:
        """rate: AdamW's learning rate in this step."""
        for rule, optimizer in self.rules.items():
            for group in optimizer.param_groups:
                group["lr"] = rate * self._shares[rule]
            optimizer.step()
