"""The types that content (components, releases, services) is written in, and the loader that finds it."""
