#!/bin/sh
# Starts all of /jobs every $INTERVAL seconds, each in a session of its own, and waits for none.
while :; do
    for job in /jobs/*; do
        (setsid "$job" &)
    done
    sleep "${INTERVAL:-60}"
done
