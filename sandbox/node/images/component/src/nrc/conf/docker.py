"""The settings, under the name that the image of Open Notificaties has for them."""

from standin.settings import of

globals().update(of("nrc"))
