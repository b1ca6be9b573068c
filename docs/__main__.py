"""`python -m docs FOLDER`: build the documentation site, including the playground, into a folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from docs.build import BuildError, build


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m docs", description="Build the documentation site.")
    parser.add_argument("folder", type=Path, help="where to build it; created if it does not exist")
    options = parser.parse_args()
    try:
        build(options.folder)
    except (BuildError, OSError) as error:
        print(f"docs: {error}", file=sys.stderr)
        return 1
    print(f"Built {options.folder}. To view it: {sys.executable} -m http.server --directory {options.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
