"""Whether the worker is ready and touched its file within a minute, as in the images without maykin-common's checks.

open-zaak/open-notificaties a3853ab, bin/check_celery_worker_liveness.py: files, variable, and the minute.
"""

import os
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "tmp"
MOST = int(os.environ.get("MAX_WORKER_LIVENESS_DELTA", "60"))

if not (FOLDER / "celery_worker_ready").is_file():
    sys.exit("not ready")
heartbeat = FOLDER / "celery_worker_heartbeat"
if not heartbeat.is_file() or time.time() - heartbeat.stat().st_mtime > MOST:
    sys.exit("no heartbeat")
