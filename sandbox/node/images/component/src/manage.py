"""Django's command line of the stand-in, at the place where the images have theirs."""

import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    if sys.argv[1:2] == ["migrate"]:
        # Our few tables have no migrations of their own.
        sys.argv.append("--run-syncdb")
    execute_from_command_line(sys.argv)
