"""Commands by group: each parses its options, calls a use case, and prints."""
