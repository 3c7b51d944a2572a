"""As the images of Open Notificaties have it: ready, and a file touched within a minute."""

import sys
import time
from pathlib import Path

ready, alive = Path("/app/tmp/celery_worker.ready"), Path("/app/tmp/celery_worker_event_loop.live")
sys.exit(0 if ready.exists() and alive.exists() and time.time() - alive.stat().st_mtime < 60 else 1)
