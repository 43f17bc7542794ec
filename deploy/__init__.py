"""Images: how they are built from this repository and pushed, and configurations to copy. `slipway deploy` runs them on Azure."""
