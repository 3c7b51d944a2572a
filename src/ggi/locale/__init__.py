"""The message catalogue: `nl/LC_MESSAGES/ggi.po` is the Dutch translation, which `ggi.messages` reads.

`python -m ggi.locale` brings it up to date with the code; it needs the development environment.
"""
