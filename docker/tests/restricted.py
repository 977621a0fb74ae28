"""Used by: docker/tests/kubernetes.sh. What of a manifest the Pod Security Standard "restricted" refuses, a line for each.

    restricted.py MANIFEST

After the table of https://kubernetes.io/docs/concepts/security/pod-security-standards/, with the rules of "baseline" that can
concern Linux pods. A member of a container's security context wins over the pod's.
"""

import sys

import yaml

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
PROFILES = {"RuntimeDefault", "Localhost"}


def refused_of_pod(spec):
    for member in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(member):
            yield member
    for volume in spec.get("volumes", []):
        if not set(volume) - {"name"} <= VOLUMES:
            yield f"volume {volume['name']}"
    if spec.get("securityContext", {}).get("sysctls"):
        yield "sysctls"


def refused_of_container(pod, container):
    own = container.get("securityContext", {})
    both = {**pod, **own}
    if own.get("privileged"):
        yield "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    if both.get("runAsNonRoot") is not True:
        yield "runAsNonRoot"
    if 0 in (pod.get("runAsUser"), own.get("runAsUser")):
        yield "runAsUser"
    if both.get("seccompProfile", {}).get("type") not in PROFILES:
        yield "seccompProfile"
    if "ALL" not in own.get("capabilities", {}).get("drop", []):
        yield "capabilities.drop"
    if not set(own.get("capabilities", {}).get("add", [])) <= {"NET_BIND_SERVICE"}:
        yield "capabilities.add"
    if own.get("procMount", "Default") != "Default":
        yield "procMount"
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield "hostPort"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        (document,) = yaml.safe_load_all(file)
    spec = document["spec"]
    spec = spec["template"]["spec"] if "template" in spec else spec
    for refused in refused_of_pod(spec):
        print(refused)
    for container in spec.get("initContainers", []) + spec["containers"]:
        for refused in refused_of_container(spec.get("securityContext", {}), container):
            print(f"{container['name']}: {refused}")


main()
