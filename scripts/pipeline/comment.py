"""The plan in dist/plan.txt as a comment on the pull request; each further push changes that one comment.

On GitHub it reads GITHUB_REPOSITORY, PULL_REQUEST and GITHUB_TOKEN; in Azure Pipelines what an agent sets, and
SYSTEM_ACCESSTOKEN. A token is sent to the service's own address and is never printed.
"""

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

MARK = "<!-- slipway deploy plan -->"
LONGEST = 60_000
"""Characters. GitHub takes 65,536 in a comment, Azure DevOps 150,000."""


def text(plan: str) -> str:
    """The comment: the plan in a fence that nothing in it can close."""
    plan = plan if len(plan) <= LONGEST else f"{plan[:LONGEST]}\n… cut; the log of the run has all of it"
    fence = "`" * max(3, 1 + max((len(run) for run in _backticks(plan)), default=0))
    return f"{MARK}\n**`slipway deploy plan`**: what `apply` would do if this were merged.\n\n{fence}sh\n{plan.rstrip()}\n{fence}\n"


def _backticks(plan: str) -> list[str]:
    return [run for run in "".join(sign if sign == "`" else " " for sign in plan).split(" ") if run]


def _call(method: str, url: str, token: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "User-Agent": "slipway"}
    request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 (the service's own address)
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return json.load(answer)


def on_github(body: str) -> None:
    """Comment on the pull request PULL_REQUEST of GITHUB_REPOSITORY."""
    token = os.environ["GITHUB_TOKEN"]
    base = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/issues"
    there, page = [], 1
    while found := _call("GET", f"{base}/{int(os.environ['PULL_REQUEST'])}/comments?per_page=100&page={page}", token):
        there += [one["id"] for one in found if one["body"].startswith(MARK)]
        page += 1
    if there:
        _call("PATCH", f"{base}/comments/{there[0]}", token, {"body": body})
    else:
        _call("POST", f"{base}/{int(os.environ['PULL_REQUEST'])}/comments", token, {"body": body})


def on_azure(body: str) -> None:
    """Comment on the pull request of Azure Repos that the agent builds."""
    token = os.environ["SYSTEM_ACCESSTOKEN"]
    project = urllib.parse.quote(os.environ["SYSTEM_TEAMPROJECT"])
    repository, number = os.environ["BUILD_REPOSITORY_ID"], int(os.environ["SYSTEM_PULLREQUEST_PULLREQUESTID"])
    base = f"{os.environ['SYSTEM_COLLECTIONURI'].rstrip('/')}/{project}/_apis/git/repositories/{repository}"
    base += f"/pullRequests/{number}/threads"
    version = "api-version=7.1"
    for thread in _call("GET", f"{base}?{version}", token)["value"]:
        first = (thread.get("comments") or [{}])[0]
        if str(first.get("content")).startswith(MARK):
            _call("PATCH", f"{base}/{thread['id']}/comments/{first['id']}?{version}", token, {"content": body})
            return
    # 4 is a closed thread: a plan is nothing that somebody has to resolve.
    comment = {"parentCommentId": 0, "content": body, "commentType": 1}
    _call("POST", f"{base}?{version}", token, {"comments": [comment], "status": 4})


def main() -> None:
    """Comment, or say in one line why not."""
    try:
        body = text(Path("dist/plan.txt").read_text(encoding="utf-8"))
        (on_azure if os.environ.get("TF_BUILD") else on_github)(body)
    except KeyError as exc:
        sys.exit(f"comment: {exc} is not set; a pull request's run sets it, see docs/ci.md")
    except urllib.error.HTTPError as exc:
        sys.exit(
            f"comment: the service answers {exc.code} {exc.reason}; expected that the run may write comments, see docs/ci.md"
        )
    except (OSError, ValueError) as exc:
        sys.exit(f"comment: {exc}")


if __name__ == "__main__":
    main()
