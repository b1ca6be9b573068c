"""What runs inside the page's worker, in Python: programs, pictures that follow a slider, and training networks.

The page sends messages and gets messages back; PROTOCOL.md says which.
"""
