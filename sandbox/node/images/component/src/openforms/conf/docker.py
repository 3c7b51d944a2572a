"""The settings, under the name that the image of Open Formulieren has for them."""

from standin.settings import of

globals().update(of("openforms"))
