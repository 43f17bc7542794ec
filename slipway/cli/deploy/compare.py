"""What is there, compared with what is wanted."""

import ipaddress
from typing import Any


def part(wanted: Any, found: Any) -> Any:
    """`found` reduced to what `wanted` names; a missing boolean is false, because Azure leaves it out."""
    if isinstance(wanted, dict):
        there = found if isinstance(found, dict) else {}
        return {key: part(value, there.get(key)) for key, value in wanted.items()}
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [part(one, other) for one, other in zip(wanted, found, strict=True)]
    return bool(found) if isinstance(wanted, bool) else found


def network(text: str) -> str:
    """A range as it is written in the config, whatever letters and zeros Azure uses for it."""
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return text


def differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """One line for each setting that differs.

    Parameters
    ----------
    found, wanted : dict
        Settings by name.

    Returns
    -------
    list of str
    """
    return [
        f"{key} is {found.get(key)!r}, expected {value!r}" for key, value in wanted.items() if found.get(key) != value
    ]
