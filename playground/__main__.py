"""`python -m playground FOLDER`: build the pages into a folder that any web server can serve."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from playground.build import BuildError, build


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m playground",
        description="Build the playground's pages: static files that run lucidgrad in a browser.",
    )
    parser.add_argument("folder", type=Path, help="where to build them; created if it does not exist")
    options = parser.parse_args()
    try:
        build(options.folder)
    except (BuildError, OSError) as error:
        print(f"playground: {error}", file=sys.stderr)
        return 1
    print(f"Built {options.folder}. To view it: {sys.executable} -m http.server --directory {options.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
