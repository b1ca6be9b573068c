"""The Python side of the page's worker: programs, pictures that follow a slider, and training networks.

It exchanges messages with the page; see PROTOCOL.md.
"""
