"""The name under which the image of openzaak has its settings."""
