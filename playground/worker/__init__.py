"""The Python side of the page's worker: programs, pictures that follow a slider, and training networks.

The page sends messages and gets messages back; PROTOCOL.md says which.
"""
