"""A picture whose groups open and close by clicking: its states, each laid out beforehand, and which leads to which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from autograd.drawing.detail import choose
from autograd.drawing.scene import Scene
from autograd.drawing.snapshot import Node
from autograd.drawing.text import visible

MOST_STATES = 48
MOST_LETTERS = 2_000_000  # of all states' SVG together

Opened = frozenset[str]


class State(NamedTuple):
    """One state of the picture.

    Attributes:
        svg: the picture.
        scene: what is drawn.
        targets: for each group that can be opened or closed here, the place of the state that this leads to.
    """

    svg: str
    scene: Scene
    targets: dict[str, int]


def states(nodes: list[Node], first: Scene, svg: str, draw: Callable[[Scene], str]) -> list[State]:
    """The states that clicking leads to, from the first on, nearest first, as many as a file can hold.

    Where a state has not found room, a click on a closed group leads to the one in which this group alone is opened
    from the first, if there is that; else the group cannot be clicked.

    Args:
        first, svg: the picture to begin with.
        draw: gives the SVG of a scene.
    """
    start = _opened(first)
    pictures: dict[Opened, tuple[Scene, str]] = {start: (first, svg)}
    waiting, letters = [start], len(svg)
    for opened in waiting:  # which grows
        for target in _toggled(pictures[opened][0], opened).values():
            if target in pictures or len(pictures) == MOST_STATES or letters > MOST_LETTERS:
                continue
            scene = choose(nodes, None, 0, target, stacked=True)
            picture = draw(scene)
            letters += len(picture)
            pictures[target] = scene, picture
            waiting.append(target)
    places = {opened: k for k, opened in enumerate(pictures)}
    return [State(svg, scene, _targets(scene, opened, start, places)) for opened, (scene, svg) in pictures.items()]


def _opened(scene: Scene) -> Opened:
    return frozenset(group for box in scene.boxes for group in box.path)


def _toggled(scene: Scene, opened: Opened) -> dict[str, Opened]:
    """Return, for each group that can be clicked, what is open after a click on it."""
    toggled = {group: opened | {group, *path} for group, path in _closed(scene)}
    for frame in scene.frames():
        toggled[frame] = frozenset(group for group in opened if group != frame and not group.startswith(f"{frame}."))
    return toggled


def _closed(scene: Scene) -> Sequence[tuple[str, tuple[str, ...]]]:
    return [(box.name, box.path) for box in scene.boxes if box.name in scene.groups and not box.stacked]


def _targets(scene: Scene, opened: Opened, start: Opened, places: dict[Opened, int]) -> dict[str, int]:
    indices = {}
    paths = dict(_closed(scene))
    for group, target in _toggled(scene, opened).items():
        place = places.get(target)
        if place is None and group in paths:
            place = places.get(start | {group, *paths[group]})
        if place is not None:
            indices[visible(group)] = place
    return indices
