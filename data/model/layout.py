# SPDX-License-Identifier: GPL-3.0-or-later
"""Widths of the rows that describe a picture (draw.py says what they hold)."""
SHAPE_W, GROUND_W, TEXT_MAX = 13, 12, 12
TEXT_W = 9 + TEXT_MAX
