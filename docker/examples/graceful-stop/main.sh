#!/bin/sh
# The main process: starts two workers, each in a session of its own, and ends well when told to stop.
trap 'echo "main: last request answered"; exit 0' TERM
setsid /worker.sh one &
setsid /worker.sh two &
while :; do sleep 0.1; done
