#!/bin/bash
# On the day that the clocks go back a job for 03:00 runs at 02:00 and again at 03:00.
#
# Package: cron 4.4.0 (npm), with a time zone
# Expected: "0 3 * * *" in Europe/Berlin is due once on 31 October 2027, at 03:00+01:00: that hour exists once; the hour
#   that comes twice is the one from 02:00. The package's README: with a time zone the job runs by that zone's clock.
#   The npm packages croner 11.0.1 and cron-parser 5.10.6 say 03:00 once.
# Seen:
#   expected: 31.10. 03:00+01:00, 01.11. 03:00+01:00, 02.11. 03:00+01:00
#   seen, croner 11.0.1: 31.10. 03:00+01:00, 01.11. 03:00+01:00, 02.11. 03:00+01:00
#   seen, cron-parser 5.10.6: 31.10. 03:00+01:00, 01.11. 03:00+01:00, 02.11. 03:00+01:00
#   seen, cron 4.4.0: 31.10. 02:00+01:00, 31.10. 03:00+01:00, 01.11. 03:00+01:00
# Why it matters for a WhatsApp gateway: a daily round of reminders goes out twice that night, an hour apart, and the
#   first one at a time for which nobody planned it (quiet hours that end at 3). Whoever drives a gateway from such a
#   job needs a key per day that the gateway recognises.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund cron@4.4.0 croner@11.0.1 cron-parser@5.10.6 luxon@3.7.2 >/dev/null
cat > js.mjs <<'JS'
import { CronTime } from "cron";
import { Cron } from "croner";
import { CronExpressionParser } from "cron-parser";
import { DateTime } from "luxon";
const zone = "Europe/Berlin", pattern = "0 3 * * *", start = new Date("2027-10-30T12:00:00+02:00");
const text = (date) => DateTime.fromJSDate(date).setZone(zone).toFormat("dd.MM. HH:mmZZ");

const time = new CronTime(pattern, zone), cron = [];
for (let at = start; cron.length < 3;) { at = time.getNextDateFrom(at, zone).toJSDate(); cron.push(text(at)); }
const croner = new Cron(pattern, { timezone: zone }).nextRuns(3, start).map(text);
const other = CronExpressionParser.parse(pattern, { currentDate: start, tz: zone });
const parser = [1, 2, 3].map(() => text(other.next().toDate()));
console.log("expected: 31.10. 03:00+01:00, 01.11. 03:00+01:00, 02.11. 03:00+01:00");
console.log("seen, croner 11.0.1: " + croner.join(", "));
console.log("seen, cron-parser 5.10.6: " + parser.join(", "));
console.log("seen, cron 4.4.0: " + cron.join(", "));
process.exit(cron.join() === "31.10. 02:00+01:00,31.10. 03:00+01:00,01.11. 03:00+01:00" && croner[0] === "31.10. 03:00+01:00" ? 0 : 1);
JS
node js.mjs
