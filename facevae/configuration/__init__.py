"""Every setting: its help, its limits and its flag; presets are sets of them."""
