"""The name under which the image of openklant has its settings."""
