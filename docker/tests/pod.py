"""Used by: docker/tests/kubernetes.sh. What the kubelet would start for a manifest, as words of `docker run`.

    pod.py RUN MANIFEST volumes|init|main

prints the names of its volumes; or a line per container, as a shell reads words: its name, then options, image and arguments.
RUN is the prefix of images and volumes. What is not understood here is an error: no part of a manifest is left out unseen.
"""

import shlex
import sys

import yaml


def take(mapping, *known):
    """The values of these members; there are to be no others."""
    unknown = set(mapping) - set(known)
    if unknown:
        sys.exit(f"pod.py does not understand {sorted(unknown)}")
    return [mapping.get(name) for name in known]


def pod_spec(document):
    is_deployment = document["kind"] == "Deployment"
    return document["spec"]["template"]["spec"] if is_deployment else document["spec"]


def security(context):
    user, non_root, read_only, escalation, capabilities, seccomp = take(
        context,
        "runAsUser",
        "runAsNonRoot",
        "readOnlyRootFilesystem",
        "allowPrivilegeEscalation",
        "capabilities",
        "seccompProfile",
    )
    # An engine's own default, so there is nothing to be said.
    if seccomp not in (None, {"type": "RuntimeDefault"}):
        sys.exit(f"pod.py does not understand {seccomp}")
    if non_root and not user:
        sys.exit("runAsNonRoot, and no user")
    if user is not None:
        yield f"--user={user}"
    if read_only:
        yield "--read-only"
    if escalation is False:
        yield "--security-opt=no-new-privileges"
    (drop,) = take(capabilities or {}, "drop")
    for capability in drop or []:
        yield f"--cap-drop={capability}"


def words(run, pod_context, container, volumes):
    name, image, command, args, env, context, mounts = take(
        container, "name", "image", "command", "args", "env", "securityContext", "volumeMounts"
    )
    yield name
    yield from security({**pod_context, **(context or {})})
    for variable in env or []:
        yield "--env={}={}".format(*take(variable, "name", "value"))
    for mount in mounts or []:
        volume, path, read_only = take(mount, "name", "mountPath", "readOnly")
        if volume not in volumes:
            sys.exit(f"there is no volume {volume}")
        yield f"--mount=type=volume,src={run}-{volume},dst={path},volume-label={run}=" + ",readonly" * bool(read_only)
    entrypoint, *rest = command or [None]
    if entrypoint:
        yield f"--entrypoint={entrypoint}"
    # registry.example/NAME:TAG and NAME:TAG are RUN:NAME here.
    yield "{}:{}".format(run, image.split("/")[-1].split(":")[0])
    yield from rest + (args or [])


def main():
    run, manifest, which = sys.argv[1:]
    with open(manifest, encoding="utf-8") as file:
        (document,) = yaml.safe_load_all(file)
    spec = pod_spec(document)
    init, containers, volumes, context, _, _ = take(
        spec,
        "initContainers",
        "containers",
        "volumes",
        "securityContext",
        "terminationGracePeriodSeconds",
        "shareProcessNamespace",
    )
    names = [take(volume, "name", "emptyDir")[0] for volume in volumes or []]
    if which == "volumes":
        print("\n".join(f"{run}-{name}" for name in names))
    for container in {"init": init or [], "main": containers, "volumes": []}[which]:
        print(shlex.join(words(run, context or {}, container, names)))


main()
