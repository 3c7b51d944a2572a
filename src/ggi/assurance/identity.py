"""Who acts: as proven by a system that authenticated the person, or only as stated by the machine."""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ggi.engine.kubeapi import KubeApi

Identity = dict[str, Any]
"""`user` and `host` as the machine states them, `ci` as a CI system's variables do, `proven` as a system proved it."""

_CI = (
    ("GITHUB_ACTIONS", "GitHub Actions", "GITHUB_ACTOR", "GITHUB_RUN_ID"),
    ("GITLAB_CI", "GitLab", "GITLAB_USER_LOGIN", "CI_JOB_ID"),
    ("TF_BUILD", "Azure Pipelines", "BUILD_REQUESTEDFORID", "BUILD_BUILDID"),
    ("JENKINS_URL", "Jenkins", "BUILD_USER_ID", "BUILD_TAG"),
)
"""Variable that tells a CI system by, its name, who started the run, and the run; from each one's documentation."""


def identity(environment: Mapping[str, str] = os.environ, proof: Mapping[str, Any] | None = None) -> Identity:
    """Who runs this: the account on this machine, what the CI system says of itself, and a proof where there is one.

    Nothing is made up: without `proven`, who it is was stated and not checked.
    """
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    found: Identity = {"user": user, "host": socket.gethostname()}
    for mark, system, who, run in _CI:
        if environment.get(mark):
            found["ci"] = {"system": system, "user": environment.get(who, ""), "run": environment.get(run, "")}
            break
    if proof:
        found["proven"] = dict(proof)
    return found


def same_person(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two identities are one as far as is known.

    What the same system proved of both counts first, then the CI system's user, then account and machine.
    """
    first, second = one.get("proven") or {}, other.get("proven") or {}
    if first.get("by") and first.get("by") == second.get("by"):
        return bool(first.get("user") == second.get("user"))
    first, second = one.get("ci") or {}, other.get("ci") or {}
    if first.get("user") and second.get("user"):
        return bool(first["user"] == second["user"])
    return bool(one.get("user") == other.get("user") and one.get("host") == other.get("host"))


def proof_of_cluster(api: KubeApi) -> Identity | None:
    """Who the API server says that we are: it fills in the status of a SelfSubjectReview (authentication.k8s.io/v1).

    The username "uniquely identifies this user among all active users"; whoever impersonates another is that other
    (Kubernetes API reference, SelfSubjectReview and UserInfo). Stable since Kubernetes 1.28 (KEP-3325). None when the
    server does not say, as to an anonymous user, or is older.
    """
    from ggi.engine.kubehttp import ApiError

    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        found = api.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=body)
    except ApiError:
        return None
    user = ((found.get("status") or {}).get("userInfo") or {}).get("username", "")
    return {"by": f"kubernetes {api.context}", "user": user} if user and user != "system:anonymous" else None
