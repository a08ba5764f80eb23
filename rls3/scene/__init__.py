"""What a scene is: `SceneSpec` (wanted), `Scene` (measured), `RoomSurvey` (what a floor plan
offers), and their geometry."""

from rls3.scene.records import (
    Box,
    Camera,
    Kind,
    Placement,
    RoomSurvey,
    Scene,
    SceneObject,
    SceneSpec,
    Surface,
    Viewpoint,
)

__all__ = [
    "Box",
    "Camera",
    "Kind",
    "Placement",
    "RoomSurvey",
    "Scene",
    "SceneObject",
    "SceneSpec",
    "Surface",
    "Viewpoint",
]
