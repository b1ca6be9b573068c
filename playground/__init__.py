"""The playground: pages that run this package in a browser, built by `python -m playground FOLDER`."""
