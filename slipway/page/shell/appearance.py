"""The colour of a use case in place of ours, in light and dark."""

from slipway.schema.texts import Appearance

_NAMES = ("--slip-accent", "--button-primary-background-fill", "--primary-500", "--primary-600")


def style(appearance: Appearance) -> str:
    """Style rules; empty where the use case has no colour.

    On a dark ground the colour is mixed with white, which leaves its hue.
    """
    colour = appearance.colour
    if not colour:
        return ""
    light = "".join(f"{name}: {colour} !important; " for name in _NAMES)
    tint = "--slip-tint: color-mix(in srgb, {0} 11%, var(--slip-panel)) !important;"
    dark = f"color-mix(in srgb, {colour} 45%, white)"
    return (
        f":root:root {{ {light}{tint.format(colour)} }} "
        f".dark.dark {{ --slip-accent: {dark} !important; {tint.format(dark)} }}"
    )
