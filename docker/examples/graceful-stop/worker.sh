#!/bin/sh
# A worker: on SIGTERM it saves its work first.
trap 'echo "worker $1: work saved"; exit 0' TERM
echo "worker $1: ready"
while :; do sleep 0.1; done
