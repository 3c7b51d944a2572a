"""What a gemeente, a region and the nation declare: read, layered and validated, with file and line kept."""
