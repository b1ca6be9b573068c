"""The description of the package on PyPI: the README, with links to the repository once it has an address.

The address is `Repository` under `[project.urls]` in pyproject.toml, which also has all other metadata.
"""

import re
import tomllib
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
LINK = re.compile(r'(?P<before>\]\(|(?P<picture>!\[[^\]]*\]\(|\bsrc="))(?P<path>(?!https?:|#|mailto:)[^\s")]+)')


def with_absolute_links(readme: str, repository: str) -> str:
    """Make a README's relative links and pictures point to a GitHub repository; without one, return it unchanged."""

    def absolute(match: re.Match[str]) -> str:
        kind = "raw" if match["picture"] else "blob"
        return f"{match['before']}{repository.rstrip('/')}/{kind}/main/{match['path']}"

    return LINK.sub(absolute, readme) if repository else readme


def description() -> str:
    """Return the README as PyPI shows it."""
    project = tomllib.loads((FOLDER / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    return with_absolute_links(readme, project.get("urls", {}).get("Repository", ""))


if __name__ == "__main__":
    from setuptools import setup

    setup(long_description=description(), long_description_content_type="text/markdown")
