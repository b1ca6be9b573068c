"""Points of two classes in the square from −3 to 3, drawn with Python's random numbers."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

Point = tuple[float, float, int]

REACH = 3.0  # of the square, to each side


def xor(chance: random.Random, n: int) -> list[Point]:
    """Draw points of class 1 where exactly one coordinate is positive, with a gap along the axes."""

    def point() -> Point:
        x, y = (chance.choice((-1, 1)) * chance.uniform(0.08, 0.95) for _ in range(2))
        return x, y, int((x > 0) != (y > 0))

    return [point() for _ in range(n)]


def moons(chance: random.Random, n: int) -> list[Point]:
    """Draw two interleaved half circles."""
    points = []
    for i in range(n):
        angle, label = math.pi * chance.random(), i % 2
        x = math.cos(angle) if label == 0 else 1 - math.cos(angle)
        y = math.sin(angle) if label == 0 else 0.5 - math.sin(angle)
        points.append((0.6 * (x - 0.5) + chance.gauss(0, 0.05), 0.8 * (y - 0.25) + chance.gauss(0, 0.05), label))
    return points


def circles(chance: random.Random, n: int) -> list[Point]:
    """Draw a disc, and a ring around it."""
    points = []
    for i in range(n):
        label, angle = i % 2, 2 * math.pi * chance.random()
        radius = chance.uniform(0, 0.4) if label else chance.uniform(0.6, 0.9)
        points.append((radius * math.cos(angle), radius * math.sin(angle), label))
    return points


def spiral(chance: random.Random, n: int) -> list[Point]:
    """Draw two arms of one and a half turns each."""
    points = []
    for i in range(n):
        label, along = i % 2, math.sqrt(chance.uniform(0.01, 1))
        angle = 3 * math.pi * along + math.pi * label
        points.append((0.9 * along * math.cos(angle) + chance.gauss(0, 0.02),
                       0.9 * along * math.sin(angle) + chance.gauss(0, 0.02), label))  # fmt: skip
    return points


DATASETS: dict[str, Callable[[random.Random, int], list[Point]]] = {
    "xor": xor,
    "moons": moons,
    "circles": circles,
    "spiral": spiral,
}


def points_of(name: str, seed: int, count: int) -> list[Point]:
    """Draw `count` points of a data set. Raises KeyError for an unknown one."""
    return [(REACH * x, REACH * y, label) for x, y, label in DATASETS[name](random.Random(seed), count)]
