"""Agents: their bodies, where they are, what they hold. World frame, metres."""

from dataclasses import dataclass, field

import numpy as np

from embedded_thor.outcome import Outcome


@dataclass(frozen=True)
class Body:
    """An agentMode.

    Attributes:
        standing_eye_m, crouched_eye_m: height of the camera above the transform.
        fov_deg: where none is set. sideways: whether it can move so.
    """

    standing_eye_m: float
    crouched_eye_m: float
    radius_m: float
    fov_deg: float
    sideways: bool


BODIES = {
    "default": Body(0.675, 0.0, 0.2, 90.0, sideways=True),
    # as in AI2-THOR's LocobotFPSAgentController.cs
    "locobot": Body(-0.0312, -0.2518, 0.175, 60.0, sideways=False),
}


@dataclass(frozen=True)
class Noise:
    """How a locobot misses what it is told: mean and standard deviation of steps and turns."""

    move_mean_m: float
    move_deviation_m: float
    turn_mean_deg: float
    turn_deviation_deg: float


@dataclass
class Agent:
    """One agent.

    Attributes:
        position: of the transform. horizon_deg: positive looks down.
        held: name of the object in its hand.
    """

    position: np.ndarray
    yaw_deg: float
    horizon_deg: float = 0.0
    standing: bool = True
    body: Body = BODIES["default"]
    held: str | None = None
    outcome: Outcome = field(default_factory=Outcome)

    @property
    def eye(self) -> np.ndarray:
        """Where its camera is."""
        height = self.body.standing_eye_m if self.standing else self.body.crouched_eye_m
        return self.position + np.array([0.0, height, 0.0])
