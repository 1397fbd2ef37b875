"""What a schema cannot say of a request."""

import re
import uuid

import schemathesis

MONEY = ("estimated_cost", "actual_cost", "replacement_value")


def _is_noise(amount):
    """A multiple of a ten-thousandth that binary fractions write with more places or digits than are kept."""
    return isinstance(amount, float) and (len(repr(amount).partition(".")[2]) > 4 or abs(amount) >= 1e10)


def _has_large(value):
    """Whole numbers of more than 64 bits are refused wherever they stand."""
    if isinstance(value, dict):
        return any(map(_has_large, value.values()))
    if isinstance(value, list):
        return any(map(_has_large, value))
    return isinstance(value, (int, float)) and abs(value) >= 2**63 and float(value).is_integer()


@schemathesis.hook
def filter_case(context, case):
    body = case.body
    if not isinstance(body, dict):
        return True
    start, end = body.get("scheduled_start"), body.get("scheduled_end")
    # Work does not end before it begins.
    if isinstance(start, str) and isinstance(end, str):
        return False
    if any(_is_noise(body.get(name)) for name in MONEY):
        return False
    return not any(_has_large(body.get(name)) for name in ("custom_fields", "specifications", "records"))


@schemathesis.hook
def before_call(context, case, kwargs):
    """A key stands for one wish: no two calls have the same one."""
    for name, value in list((case.headers or {}).items()):
        if name.lower() == "idempotency-key" and re.fullmatch("[!-~]{1,200}", value or ""):
            case.headers[name] = f"{value}-{uuid.uuid4()}"
