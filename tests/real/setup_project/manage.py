"""Django's command line for this project; COMPONENT chooses whose steps run, DATABASE and DATABASE_HOST where."""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    os.environ["DJANGO_SETTINGS_MODULE"] = "setup_project.settings"
    execute_from_command_line(sys.argv)
