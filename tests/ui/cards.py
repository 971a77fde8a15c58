# SPDX-License-Identifier: GPL-3.0-or-later
"""Graphics cards that this computer does not have."""

import os

NAME, DRIVER = "NVIDIA H100 80GB HBM3", "580.95.05"


def make_system():
    """A folder for LW_SYSTEM_ROOT: what /sys and /proc tell of such a card, once its driver is loaded."""
    root = os.path.join(os.environ["TMPDIR"], "system")
    for path, text in (("sys/bus/pci/devices/0000:01:00.0/class", "0x030200"),
                       ("sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de"),
                       ("sys/module/nvidia/version", DRIVER),
                       ("proc/driver/nvidia/gpus/0000:01:00.0/information",
                        f"Model: \t\t {NAME}\nIRQ:   \t\t 37\nBus Location: \t 0000:01:00.0")):
        path = os.path.join(root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text + "\n")
    return root
