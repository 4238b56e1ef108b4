"""Turning each failure of a request to the Hub into one line: the Hub's answer, and what to do."""

from __future__ import annotations

from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError, HTTPError  # type: ignore[attr-defined]

from curation.publish.switch import moved


def explain(error: BaseException, repo_id: str) -> str:
    """What went wrong, as a user can act on it."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    answered = next((e for e in chain if isinstance(e, HfHubHTTPError)), None)
    if answered is not None and answered.response is not None:
        status = answered.response.status_code
        message = " ".join((answered.server_message or "").split())[:200]
        if status == 401:
            return f"{repo_id}: the Hub refused the token (401); set HF_TOKEN to a valid one or run: hf auth login"
        if status == 403:
            return f"{repo_id}: the token may not write there (403); check owner and rights. The Hub says: {message}"
        if status == 404:
            return f"{repo_id}: the Hub does not find it (404); check the owner's name and the token's rights"
        if status in (409, 412):
            return moved(repo_id)
        detail = f": {message}" if message else ""
        return f"{repo_id}: the Hub answered {status}{detail}; run the same command again later"
    if any(isinstance(e, HTTPError | ConnectionError | TimeoutError) for e in chain):
        return (
            f"{repo_id}: the connection to {constants.ENDPOINT} failed ({_first_line(chain[-1])}); "
            "run the same command again, what has arrived is not sent twice"
        )
    return f"{repo_id}: {_first_line(error)}; run the same command again"


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:200] if text else type(error).__name__
