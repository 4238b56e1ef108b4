"""The licence of a data set: which identifiers the Hub knows, and which one a hand-written card names."""

from __future__ import annotations

import difflib
import re
from typing import Any

import yaml

from manifests.errors import GoaltraceError

# the identifiers of huggingface.co/docs/hub/repositories-licenses, as of August 2026
KNOWN = """
    apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0
    bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc
    cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0
    cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0
    cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1
    eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc h-research intel-research lppl-1.3c
    ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl openmdw-1.0 openmdw-1.1 openrail++ osl-3.0 postgresql ofl-1.1
    ncsa unlicense zlib pddl lgpl-lr deepfloyd-if-license fair-noncommercial-research-license llama2 llama3
    llama3.1 llama3.2 llama3.3 llama4 grok2-community gemma unknown other
""".split()
EXAMPLES = "cc-by-4.0, cc0-1.0, cc-by-nc-4.0, odc-by, other"


def require_known(license_id: str, where: str = "--license") -> str:
    """The identifier as the Hub spells it. Raises `GoaltraceError` for one that it does not know, with the nearest."""
    spelt = license_id.strip().lower()
    if spelt in KNOWN:
        return spelt
    spelt = re.sub(r"[\s_]+", "-", spelt)
    near = [spelt] if spelt in KNOWN else difflib.get_close_matches(spelt, KNOWN, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"such as {EXAMPLES}"
    raise GoaltraceError(f"{where}: {license_id!r} is no licence that the Hub knows; {hint}")


def missing() -> str:
    """The message for a missing licence."""
    return f"no licence was given; add --license ID, such as {EXAMPLES}"


def of_card(text: str, where: str) -> str | list[str]:
    """The licence that a card written by hand names in its header.

    Raises `GoaltraceError` where it names none, or one that the Hub does not know.
    """
    match = re.match(r"\s*---\r?\n(.*?)\r?\n---", text, re.S)
    try:
        head: Any = yaml.safe_load(match[1]) if match else None
    except yaml.YAMLError as error:
        raise GoaltraceError(f"{where}: its header is not YAML ({str(error).splitlines()[0]}); mend it") from None
    named = head.get("license") if isinstance(head, dict) else None
    if isinstance(named, list) and named:
        return [require_known(str(name), where) for name in named]
    if not isinstance(named, str):
        raise GoaltraceError(
            f"{where}: was written by hand, is sent as it is, and names no licence; add `license: cc-by-4.0`, or "
            "another, to its header"
        )
    return require_known(named, where)
