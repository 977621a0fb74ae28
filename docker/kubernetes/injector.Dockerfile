# The image of injection.yaml's init container: pidone, and a `cp` to copy it, which pidone's own image has not.
#
#     docker build -f docker/kubernetes/injector.Dockerfile -t registry.example/injector:0.1.0 docker/kubernetes
ARG PIDONE=pidone
ARG BASE=busybox
FROM ${PIDONE} AS pidone
FROM ${BASE}
COPY --from=pidone /pidone /pidone
