"""A stand-in for the Django components of Common Ground."""
