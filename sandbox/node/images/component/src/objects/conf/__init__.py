"""The name under which the image of openobject has its settings."""
