#!/bin/sh
# What takes root is done here; exec makes pidone PID 1 in the place of this shell.
set -e
mkdir -p /www
[ -e /www/index.html ] || echo 'hello' >/www/index.html
chown -R www-data /www
exec /pidone --uid www-data --keep-caps net_bind_service --no-new-privs -- "$@"
