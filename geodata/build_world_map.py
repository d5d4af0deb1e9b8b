#!/usr/bin/env python3
"""Writes the dashboard's map of the world from outlines of countries.

    geodata/build_world_map.py geodata/world-110m.geojson

The map is one list for each outline, in tenths of a degree: longitude and latitude of its first point,
then the steps from each point to the next. Points that lie within TOLERANCE of a straight line are left
out, and so is Antarctica, where nobody is sent anywhere.
"""

import json
import pathlib
import sys

TOLERANCE = 1.5  # tenths of a degree
TARGET = pathlib.Path(__file__).parent.parent / "Sources/ControlPlane/Dashboard/pages/world.json"


def simplified(points):
    """Ramer, Douglas and Peucker's way, of one line from its first to its last point."""
    if len(points) < 3:
        return points
    (x1, y1), (x2, y2) = points[0], points[-1]
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5

    def distance(point):
        x, y = point
        if length == 0:
            return ((x - x1) ** 2 + (y - y1) ** 2) ** 0.5
        return abs((x2 - x1) * (y1 - y) - (x1 - x) * (y2 - y1)) / length

    index = max(range(1, len(points) - 1), key=lambda i: distance(points[i]))
    if distance(points[index]) <= TOLERANCE:
        return [points[0], points[-1]]
    return simplified(points[: index + 1])[:-1] + simplified(points[index:])


def outline(ring):
    points = simplified([(round(x * 10), round(y * 10)) for x, y in ring])
    if len(points) < 4:
        return None
    steps = list(points[0])
    for (x1, y1), (x2, y2) in zip(points, points[1:]):
        steps += [x2 - x1, y2 - y1]
    return steps


def main(path):
    outlines = []
    for feature in json.loads(pathlib.Path(path).read_text())["features"]:
        if feature["properties"]["name"] == "Antarctica":
            continue
        geometry = feature["geometry"]
        polygons = geometry["coordinates"]
        if geometry["type"] == "Polygon":
            polygons = [polygons]
        outlines += [o for o in (outline(ring) for polygon in polygons for ring in polygon) if o]
    lines = ",\n".join(json.dumps(o, separators=(",", ":")) for o in outlines)
    TARGET.write_text(f"[\n{lines}\n]\n")
    print(f"{TARGET}: {len(outlines)} outlines, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
