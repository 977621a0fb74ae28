# The pause image for shared-pause.yaml: pidone, which only reaps.
#
#     docker build -f docker/kubernetes/pause.Dockerfile -t registry.example/pause:0.1.0 docker/kubernetes
ARG PIDONE=pidone
FROM ${PIDONE}
ENTRYPOINT ["/pidone", "--pause"]
