"""A minimal Django project with the components' own step libraries; `standins` is what only their images have."""
