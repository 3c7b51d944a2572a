"""The name under which the image of openformulieren has its settings."""
