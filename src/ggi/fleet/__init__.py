"""All stacks together: what they must agree on, and changing them in waves."""
