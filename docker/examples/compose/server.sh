#!/bin/sh
# Ends gracefully by SIGQUIT, and at once by SIGTERM.
trap 'echo "server: last request answered"; exit 0' QUIT
echo 'server: ready'
while :; do sleep 0.1; done
