"""The name under which the image of opennotificaties has its settings."""
