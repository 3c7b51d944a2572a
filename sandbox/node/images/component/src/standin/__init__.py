"""A stand-in for the Django components by Maykin: their own libraries and the least of what only their images have.

See `sandbox/node/images/README.md` for what is real in it and what is not.
"""
