#!/bin/sh
# Backs up a folder, and tells the agent how it went: `example.sh FOLDER FILE.tar`, from cron.
set -eu
. "$(dirname "$0")/sidemeter.sh"
trap sidemeter_flush EXIT

sidemeter_define counter backups_total help='Backups that were tried.' labels=result
sidemeter_define summary backup_seconds help='Time a backup took.' unit=seconds
sidemeter_define gauge backup_last_success_timestamp_seconds help='When the last good backup was made.' unit=seconds

result=done
sidemeter_time backup_seconds tar -cf "$2" -C "$1" . || result=failed

sidemeter_inc backups_total 1 result "$result"
[ "$result" = done ] || exit 1
sidemeter_set backup_last_success_timestamp_seconds "$(date +%s)"
