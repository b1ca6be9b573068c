"""A picture whose groups open and close by clicking: its precomputed states, and the transitions between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from autograd.drawing.detail import choose
from autograd.drawing.scene import Scene
from autograd.drawing.snapshot import Node
from autograd.drawing.text import visible

MOST_STATES = 48
MOST_LETTERS = 2_000_000  # total size of all states' SVG

Opened = frozenset[str]


class State(NamedTuple):
    """One state of the picture.

    Attributes:
        svg: the picture.
        scene: the scene that it shows.
        targets: for each group that can be opened or closed here, the index of the resulting state.
    """

    svg: str
    scene: Scene
    targets: dict[str, int]


def states(nodes: list[Node], first: Scene, svg: str, draw: Callable[[Scene], str]) -> list[State]:
    """Return the states reachable from the first by clicking, nearest first, as many as a file can hold.

    If the state behind a click on a closed group did not fit, the click leads to the first state with only this group
    opened, if that is included; otherwise the group cannot be clicked.

    Args:
        first, svg: the initial picture.
        draw: returns the SVG of a scene.
    """
    start = _opened(first)
    pictures: dict[Opened, tuple[Scene, str]] = {start: (first, svg)}
    waiting, letters = [start], len(svg)
    for opened in waiting:  # the list grows during the loop
        for target in _toggled(pictures[opened][0], opened).values():
            if target in pictures or len(pictures) == MOST_STATES or letters > MOST_LETTERS:
                continue
            scene = choose(nodes, None, 0, target, stacked=True)
            picture = draw(scene)
            letters += len(picture)
            pictures[target] = scene, picture
            waiting.append(target)
    indices = {opened: k for k, opened in enumerate(pictures)}
    return [State(svg, scene, _targets(scene, opened, start, indices)) for opened, (scene, svg) in pictures.items()]


def _opened(scene: Scene) -> Opened:
    return frozenset(group for box in scene.boxes for group in box.path)


def _toggled(scene: Scene, opened: Opened) -> dict[str, Opened]:
    """Return for each clickable group the groups that are open after a click on it."""
    toggled = {group: opened | {group, *path} for group, path in _closed(scene)}
    for frame in scene.frames():
        toggled[frame] = frozenset(group for group in opened if group != frame and not group.startswith(f"{frame}."))
    return toggled


def _closed(scene: Scene) -> Sequence[tuple[str, tuple[str, ...]]]:
    return [(box.name, box.path) for box in scene.boxes if box.name in scene.groups and not box.stacked]


def _targets(scene: Scene, opened: Opened, start: Opened, indices: dict[Opened, int]) -> dict[str, int]:
    targets = {}
    paths = dict(_closed(scene))
    for group, target in _toggled(scene, opened).items():
        index = indices.get(target)
        if index is None and group in paths:
            index = indices.get(start | {group, *paths[group]})
        if index is not None:
            targets[visible(group)] = index
    return targets
