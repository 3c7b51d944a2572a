"""The settings, under the name that the image of Open Object has for them."""

from standin.settings import of

globals().update(of("objects"))
