"""The description of the package on PyPI: the README, whose links lead to the repository once it has an address.

The address is `Repository` under `[project.urls]` in pyproject.toml; everything else of the package is said there, too.
"""

import re
import tomllib
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
LINK = re.compile(r'(?P<before>\]\(|(?P<picture>!\[[^\]]*\]\(|\bsrc="))(?P<path>(?!https?:|#|mailto:)[^\s")]+)')


def with_absolute_links(readme: str, repository: str) -> str:
    """A README whose relative links and pictures are those of a repository on GitHub; unchanged without one."""

    def absolute(match: re.Match[str]) -> str:
        kind = "raw" if match["picture"] else "blob"
        return f"{match['before']}{repository.rstrip('/')}/{kind}/main/{match['path']}"

    return LINK.sub(absolute, readme) if repository else readme


def description() -> str:
    """The README as PyPI shows it."""
    project = tomllib.loads((FOLDER / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    return with_absolute_links(readme, project.get("urls", {}).get("Repository", ""))


if __name__ == "__main__":
    from setuptools import setup

    setup(long_description=description(), long_description_content_type="text/markdown")
