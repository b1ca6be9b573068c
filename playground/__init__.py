"""The playground: pages that run this package in a browser. `python -m playground FOLDER` builds them."""
