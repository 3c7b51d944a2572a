"""The message catalogue: `nl/LC_MESSAGES/ggi.po` is the Dutch translation, `ggi.mo` is compiled from it.

`python -m ggi.locale` brings both up to date with the code; it needs the development environment.
"""
