#!/bin/sh
# Runs an image, such as that of ../shell-service, with nothing that pidone could need: a read-only root, no capability, no
# way to gain any, and an ordinary user. More options for `docker run` may stand before the image.
#
#     docker/examples/hardened/run.sh [OPTION...] IMAGE [COMMAND [ARG...]]
exec docker run --rm --read-only --tmpfs /tmp:size=16m,noexec --user 65534:65534 --cap-drop ALL \
    --security-opt no-new-privileges "$@"
