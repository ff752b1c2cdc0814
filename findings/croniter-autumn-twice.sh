#!/bin/bash
# A daily job at 02:30 is due twice on the day that the clocks go back, an hour apart.
#
# Package: croniter 7.0.0 (PyPI); cronsim 2.8 (PyPI) for comparison
# Expected: once. cron(8) of Debian and of Vixie cron, whose expressions these are: when the clock goes back by less
#   than three hours, jobs at a fixed time are not run again; only those with a wildcard in hour or minute follow the
#   new time. croniter's README has a section on daylight saving and asks for a time with a zone, which is given here;
#   it names no exception. cronsim does as Debian's cron.
# Seen:
#   expected: 31.10. 02:30+0200, 01.11. 02:30+0100, 02.11. 02:30+0100
#   seen, cronsim 2.8: 31.10. 02:30+0200, 01.11. 02:30+0100, 02.11. 02:30+0100
#   seen, croniter 7.0.0: 31.10. 02:30+0200, 31.10. 02:30+0100, 01.11. 02:30+0100
# Why it matters for a WhatsApp gateway: a round of reminders goes out twice that night. A gateway cannot know that the
#   second was not meant; who drives it from such a job should send a key per day with each message, and the gateway
#   should recognise it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check croniter==7.0.0 cronsim==2.8 tzdata==2026.6
venv/bin/python - <<'PY'
import sys
from datetime import datetime
from zoneinfo import ZoneInfo
from croniter import croniter
from cronsim import CronSim

start = datetime(2027, 10, 30, 12, tzinfo=ZoneInfo("Europe/Berlin"))
text = lambda moment: moment.strftime("%d.%m. %H:%M%z")
one, other = croniter("30 2 * * *", start), CronSim("30 2 * * *", start)
seen = [", ".join(text(one.get_next(datetime)) for _ in range(3)), ", ".join(text(next(other)) for _ in range(3))]
print("expected: 31.10. 02:30+0200, 01.11. 02:30+0100, 02.11. 02:30+0100")
print(f"seen, cronsim 2.8: {seen[1]}")
print(f"seen, croniter 7.0.0: {seen[0]}")
sys.exit(0 if seen == ["31.10. 02:30+0200, 31.10. 02:30+0100, 01.11. 02:30+0100", "31.10. 02:30+0200, 01.11. 02:30+0100, 02.11. 02:30+0100"] else 1)
PY
