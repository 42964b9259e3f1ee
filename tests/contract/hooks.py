"""What schemathesis can't know from the document."""

import itertools
import re
from urllib.parse import quote

import schemathesis

_numbers = itertools.count(1)

# Who the key of this run belongs to (scripts/contract.sh).
AGENT = "contract"
VALID_KEY = re.compile(r"[!-~]{1,255}\Z")

# The HTTP library answers a request line or head beyond 64 KiB by itself, with a bare 400 or 431, before the
# application sees it (docs/API.md, "Known quirks"). Half of it leaves room for the headers.
LONGEST_TARGET = 32_000


@schemathesis.hook
def before_call(context, case, kwargs):
    """Every request comes from another network (IPv4 /24).

    The server counts failed authentications and calls of public pages by network (60 and 600 a minute). One machine
    that tries every way to be refused would soon be told 429 for each, and learn nothing more. The server is started
    with the loopback as a trusted proxy, so the forwarded address counts. The limits have tests of their own.
    """
    number = next(_numbers)
    address = f"{11 + (number >> 16)}.{number >> 8 & 255}.{number & 255}.1"
    case.headers = {**(case.headers or {}), "X-Forwarded-For": address}
    # The generator likes the key `0`; the second body that comes with it is refused, whatever it is.
    if VALID_KEY.match(str(case.headers.get("Idempotency-Key", ""))):
        case.headers["Idempotency-Key"] = f"contract-{number}"


@schemathesis.hook
def filter_case(context, case):
    """Leaves out what never reaches the application."""
    text = "".join(f"{name}={value}&" for name, value in (case.query or {}).items())
    text += "".join(str(value) for value in (case.path_parameters or {}).values())
    return len(quote(text, errors="replace")) <= LONGEST_TARGET


@schemathesis.hook
def map_body(context, body):
    """An intent names the key's own agent, or every one would be refused with `identity_mismatch` (403)."""
    intents = body.get("intents", [body]) if isinstance(body, dict) else []
    for intent in intents if isinstance(intents, list) else []:
        named = intent.get("agent_id") if isinstance(intent, dict) and "code" in intent else None
        # A text that breaks the schema is left alone: it must be refused as it is.
        if isinstance(named, str) and len(named) <= 200 and named.isprintable():
            intent["agent_id"] = AGENT
    return body
