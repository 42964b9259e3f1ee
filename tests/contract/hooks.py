"""Every request comes from an address of its own.

The server counts failed authentications and calls of public pages by address (60 and 600 a minute). One machine that
tries every way to be refused would soon be told 429 for each, and learn nothing more. The server is started with
the loopback as a trusted proxy, so the forwarded address counts. The limits have tests of their own.
"""

import itertools
import re

import schemathesis

_numbers = itertools.count(1)
VALID_KEY = re.compile(r"[!-~]{1,255}\Z")


@schemathesis.hook
def before_call(context, case, kwargs):
    number = next(_numbers)
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    case.headers = {**(case.headers or {}), "X-Forwarded-For": address}
    # The generator likes the key `0`; the second body that comes with it is refused, whatever it is.
    if VALID_KEY.match(str(case.headers.get("Idempotency-Key", ""))):
        case.headers["Idempotency-Key"] = f"contract-{number}"
