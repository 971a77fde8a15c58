# SPDX-License-Identifier: GPL-3.0-or-later
"""Widths of the rows that describe a picture (draw.py says what they hold)."""
SHAPE_W, GROUND_W, TEXT_W, TEXT_MAX = 13, 12, 19, 10
