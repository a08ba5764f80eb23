"""Mesh builders: boxes, lathed profiles, swept tubes; and what is done with meshes.

Faces are clockwise seen from outside (left-handed frame).
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from embedded_thor.records import Mesh, Opening, Part, Surface, Vector3

_FACES_OF_BOX = (  # normal axis, sign, axes of u and v
    (0, 1, 2, 1),
    (0, -1, 2, 1),
    (1, 1, 0, 2),
    (1, -1, 0, 2),
    (2, 1, 0, 1),
    (2, -1, 0, 1),
)


def _oriented(vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Turn each face so that its winding agrees with its vertices' normals."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    # In a left-handed frame a face that is clockwise seen from outside has cross(b - a, c - a)
    # along the outer normal.
    wrong = (np.cross(b - a, c - a) * normals[faces].mean(axis=1)).sum(-1) < 0
    faces = faces.copy()
    faces[wrong] = faces[wrong][:, [0, 2, 1]]
    return faces


def mesh(
    vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray, uv: np.ndarray, material: str
) -> Mesh:
    vertices, normals = np.asarray(vertices, float), np.asarray(normals, float)
    faces = np.asarray(faces, np.int32)
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    faces = faces[np.linalg.norm(np.cross(b - a, c - a), axis=1) > 1e-10]
    return Mesh(
        vertices, _oriented(vertices, faces, normals), normals, np.asarray(uv, float), material
    )


def box(size: Vector3, center: Vector3, material: str) -> Mesh:
    """An upright box; uv in metres on every face."""
    half, middle = np.asarray(size, float) / 2, np.asarray(center, float)
    vertices, normals, uv, faces = [], [], [], []
    for axis, sign, u, v in _FACES_OF_BOX:
        for su, sv in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
            corner = np.zeros(3)
            corner[axis], corner[u], corner[v] = sign * half[axis], su * half[u], sv * half[v]
            normal = np.zeros(3)
            normal[axis] = sign
            vertices.append(corner + middle)
            normals.append(normal)
            uv.append((corner[u] + middle[u], corner[v] + middle[v]))
        base = len(vertices) - 4
        faces += [(base, base + 1, base + 2), (base, base + 2, base + 3)]
    return mesh(np.array(vertices), np.array(faces), np.array(normals), np.array(uv), material)


def polygon(outline: np.ndarray, y: float, material: str, up: bool) -> Mesh:
    """A flat polygon without holes, seen from above or from below.

    Args:
        outline: (N, 2), x and z in metres; of one that crosses itself some stays open.
    """
    points = np.asarray(outline, float)
    vertices = np.column_stack([points[:, 0], np.full(len(points), y), points[:, 1]])
    normals = np.tile([0.0, 1.0 if up else -1.0, 0.0], (len(points), 1))
    return mesh(vertices, np.array(_triangles(points)), normals, points, material)


def _triangles(points: np.ndarray) -> list[tuple[int, int, int]]:
    """Of a polygon (N, 2), by cutting off one ear after the other."""
    following = np.roll(points, -1, axis=0)
    order = list(range(len(points)))
    if (points[:, 0] * following[:, 1] - following[:, 0] * points[:, 1]).sum() < 0:
        order.reverse()

    def turn(a: int, b: int, c: int) -> float:
        u, v = points[b] - points[a], points[c] - points[b]
        return float(u[0] * v[1] - u[1] * v[0])

    def is_ear(a: int, b: int, c: int) -> bool:
        others = (k for k in order if k not in (a, b, c))
        return turn(a, b, c) >= 0 and not any(
            turn(a, b, k) > 1e-9 and turn(b, c, k) > 1e-9 and turn(c, a, k) > 1e-9 for k in others
        )

    triangles = []
    while len(order) > 3:
        corners = ((order[i - 1], order[i], order[(i + 1) % len(order)]) for i in range(len(order)))
        ear = next((three for three in corners if is_ear(*three)), None)
        if ear is None:
            break  # it crosses itself
        triangles.append(ear)
        order.remove(ear[1])
    triangles.append(tuple(order[:3]))
    return triangles


def lathe(
    profile: Sequence[tuple[float, float]],
    material: str,
    segments: int = 20,
    center: Vector3 = (0, 0, 0),
) -> Mesh:
    """Turn a profile about the y axis. Corners sharper than 40 degrees stay sharp.

    Args:
        profile: points (radius, height), so ordered that the outside is on its right-hand side
            when walked upwards (bottom centre, outside up, rim, inside down).
    """
    points = np.asarray(profile, float)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    points = points[np.concatenate([[True], steps > 1e-9])]
    edges = _edge_normals(points)
    angles = np.linspace(0, 2 * np.pi, segments + 1)
    vertices, normals, uv, walked = [], [], [], 0.0
    for i, (start, end) in enumerate(pairwise(points)):
        length = float(np.linalg.norm(end - start))
        widest = max(start[0], end[0])
        for point, neighbour, along in ((start, i - 1, walked), (end, i + 1, walked + length)):
            vertices.append(_ring(point, angles))
            normals.append(_ring(_corner_normal(edges, i, neighbour), angles))
            uv.append(np.stack([angles * widest, np.full_like(angles, along)], axis=1))
        walked += length
    bands = [_band(2 * i * (segments + 1), segments) for i in range(len(points) - 1)]
    return mesh(
        np.concatenate(vertices) + np.asarray(center, float),
        np.concatenate(bands),
        np.concatenate(normals),
        np.concatenate(uv),
        material,
    )


def _edge_normals(profile: np.ndarray) -> np.ndarray:
    """(N - 1, 2) unit vectors outwards: to the right of the walking direction."""
    tangents = np.diff(profile, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    return np.stack([tangents[:, 1], -tangents[:, 0]], axis=1)


def _corner_normal(edges: np.ndarray, own: int, neighbour: int) -> np.ndarray:
    """Of an edge at its end: turned towards that of the neighbour unless the corner is sharp."""
    normal = edges[own]
    if 0 <= neighbour < len(edges) and float(normal @ edges[neighbour]) > 0.766:
        normal = normal + edges[neighbour]
    return normal / np.linalg.norm(normal)


def _ring(point: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """A point or a direction (radius, height) at every angle about the y axis: (N, 3)."""
    radius, height = point
    sin, cos = np.sin(angles), np.cos(angles)
    return np.stack([radius * cos, np.full_like(cos, height), radius * sin], axis=1)


def _band(first: int, segments: int) -> np.ndarray:
    """Faces between a ring of `segments` + 1 vertices, which begins at `first`, and the next."""
    low = first + np.arange(segments)
    high = low + segments + 1
    return np.concatenate(
        [np.stack([low, low + 1, high], axis=1), np.stack([low + 1, high + 1, high], axis=1)]
    )


def tube(
    path: Sequence[Vector3],
    radius: float,
    material: str,
    sides: int = 8,
    across: Vector3 | None = None,
) -> Mesh:
    """A round tube along a path (handles, spouts).

    Args:
        across: a direction in which the path never runs, for rings.
    """
    points = np.asarray(path, float)
    along = np.gradient(points, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    if across is None:
        across = (0.0, 0.0, 1.0) if np.abs(along[:, 2]).max() < 0.9 else (1.0, 0.0, 0.0)
    first = np.cross(along, np.asarray(across, float))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(along, first)
    angles = np.linspace(0, 2 * np.pi, sides + 1)
    normals = (
        first[:, None] * np.cos(angles)[None, :, None]
        + second[:, None] * np.sin(angles)[None, :, None]
    )
    vertices = (points[:, None] + radius * normals).reshape(-1, 3)
    faces = _grid(len(points) - 1, sides)
    return mesh(vertices, faces, normals.reshape(-1, 3), vertices[:, :2], material)


def ball(
    radii: Vector3, center: Vector3, material: str, rings: int = 10, segments: int = 16
) -> Mesh:
    """An ellipsoid."""
    polar = np.linspace(-np.pi / 2, np.pi / 2, rings + 1)
    around = np.linspace(0, 2 * np.pi, segments + 1)
    x, z = np.outer(np.cos(polar), np.cos(around)), np.outer(np.cos(polar), np.sin(around))
    y = np.outer(np.sin(polar), np.ones_like(around))
    unit = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    scale = np.asarray(radii, float)
    normals = unit / scale
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    vertices = unit * scale + np.asarray(center, float)
    return mesh(vertices, _grid(rings, segments), normals, vertices[:, :2], material)


def _grid(rings: int, segments: int) -> np.ndarray:
    """Faces between `rings` + 1 rings of `segments` + 1 vertices each."""
    ring = segments + 1
    low = (np.arange(rings)[:, None] * ring + np.arange(segments)[None]).ravel()
    return np.concatenate(
        [
            np.stack([low, low + 1, low + ring], axis=1),
            np.stack([low + 1, low + ring + 1, low + ring], axis=1),
        ]
    )


def merged(meshes: Sequence[Mesh]) -> tuple[Mesh, ...]:
    """One mesh for each material: fewer things to draw."""
    result = []
    for name in dict.fromkeys(m.material for m in meshes):
        group = [m for m in meshes if m.material == name]
        starts = np.cumsum([0] + [len(m.vertices) for m in group[:-1]])
        result.append(
            Mesh(
                np.concatenate([m.vertices for m in group]),
                np.concatenate([m.faces + start for m, start in zip(group, starts)]).astype(
                    np.int32
                ),
                np.concatenate([m.normals for m in group]),
                np.concatenate([m.uv for m in group]),
                name,
            )
        )
    return tuple(result)


def scaled(meshes: Sequence[Mesh], scale: np.ndarray, shift: np.ndarray) -> tuple[Mesh, ...]:
    """Stretched along each axis, then moved. scale, shift: (3,)."""
    result = []
    for m in meshes:
        normals = m.normals / scale
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        result.append(Mesh(m.vertices * scale + shift, m.faces, normals, m.uv, m.material))
    return tuple(result)


def scaled_surface(surface: Surface, scale: np.ndarray, shift: np.ndarray) -> Surface:
    """The same for a place to stand on."""
    (x0, y, z0), (x1, _, z1) = (
        np.array([x, surface.y, z]) * scale + shift
        for x, z in ((surface.x0, surface.z0), (surface.x1, surface.z1))
    )
    return Surface(
        float(x0), float(z0), float(x1), float(z1), float(y), surface.clearance * float(scale[1])
    )


def scaled_opening(opening: Opening | None, scale: np.ndarray, shift: np.ndarray) -> Opening | None:
    """The same for how something opens."""
    if opening is None:
        return None
    leaves = tuple(
        replace(
            leaf,
            meshes=scaled(leaf.meshes, scale, shift),
            hinge=tuple(np.array(leaf.hinge) * scale + shift),
        )
        for leaf in opening.leaves
    )
    inside = tuple(scaled_surface(s, scale, shift) for s in opening.inside)
    return replace(opening, body=scaled(opening.body, scale, shift), leaves=leaves, inside=inside)


def scaled_part(part: Part, scale: np.ndarray) -> Part:
    """The same for a door, a drawer or a knob of a piece."""
    kind, none = part.furniture, np.zeros(3)
    stretched = replace(
        kind,
        meshes=scaled(kind.meshes, scale, none),
        size=tuple(map(float, np.array(kind.size) * scale)),
        opening=scaled_opening(kind.opening, scale, none),
    )
    position = tuple(map(float, np.array(part.position) * scale))
    return replace(
        part, furniture=stretched, position=position, glow=scaled(part.glow, scale, none)
    )


def pieces(mesh: Mesh) -> list[np.ndarray]:
    """The vertices (V, 3) of each connected part of a mesh, in its own frame."""
    _, welded = np.unique(np.round(mesh.vertices, 5), axis=0, return_inverse=True)
    label = np.arange(welded.max() + 1)
    corners = welded.reshape(-1)[mesh.faces]
    while True:  # each face's corners take the smallest label among them
        lowest = label[corners].min(axis=1)
        before = label.copy()
        for column in range(3):
            np.minimum.at(label, corners[:, column], lowest)
        if np.array_equal(before, label):
            break
    part = label[welded.reshape(-1)]
    return [mesh.vertices[part == value] for value in np.unique(part[mesh.faces])]
