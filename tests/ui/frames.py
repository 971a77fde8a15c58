# SPDX-License-Identifier: GPL-3.0-or-later
"""Scrolling through a very long chat while an answer is written."""

import os
import re
import sys
import unittest

from desktop import Program, WindowTest, role, run, text_of, wait_for, walk
from answering import make_wide_model
import store

# Of the frames since the answer began, for what the watchdog cannot tell from the program: 2 of 400.
LATE_SHARE = 0.005


class Frames(WindowTest):
    @classmethod
    def setUpClass(cls):
        cls.model = make_wide_model()
        p = Program(LW_DEFAULT_MODEL=cls.model)
        assert p.quit() == 0

    def texts(self, p):
        return [text_of(n) for n in walk(p.get("list", "Messages")) if role(n) == "label"]

    def messages_rows(self, p):
        return [n for n in walk(p.get("list", "Messages")) if role(n) == "list item"]

    def test_scroll_while_an_answer_is_written(self):
        """In a chat of 10,000 messages; app/lw-watchdog.c counts the frames."""
        # Most of them say nothing, so that the model has little to read.
        messages = [("assistant", "")] * 9600
        for i in range(200):
            messages += [("user", f"Question **{i}**"), ("assistant", f"Answer {i}.\n\n- one\n- *two*\n")]
        store.add_chat("wide", "Ten thousand", messages)
        p = self.launch(LW_DEFAULT_MODEL=self.model)
        p.select(p.get("list item", "Ten thousand"))
        p.get("list item", contains="You: Question **199**")
        p.write("Go on")
        p.press("Send")
        # All of it is read first.
        wait_for("the answer to begin", lambda: p.find("push button", "Stop") and any(
            len(t) > 60 for t in self.texts(p)))
        for button in ["4", "5"] * 4:
            run("xdotool", "mousemove", "--window", p.window, "600", "300", "click", "--repeat", "40",
                "--delay", "5", button)
            self.assertLess(len(self.messages_rows(p)), 60)
        self.assertTrue(p.find("push button", "Stop"), "it is still being written")
        p.press("Stop")
        p.get("push button", "Send")
        self.end()
        frames = re.search(r"watchdog: \d+ frames.* 99 % within ([\d.]+) ms.*; "
                           r"(\d+) of them with growing text, at most (\d+) updates in one; "
                           r"(\d+) since it grew, (\d+) of those over 16.7 ms", p.output())
        late = [line for line in p.output().splitlines() if "late frame" in line]
        print("\n".join([frames[0], *late]))
        self.assertGreater(int(frames[2]), 20)
        self.assertEqual(int(frames[3]), 1)
        # What the window itself computes for a frame, beside painting it; 60 a second have 16.7 ms each.
        self.assertGreater(int(frames[4]), 100)
        if float(frames[1]) > 16.7 or int(frames[5]) > LATE_SHARE * int(frames[4]):
            self.too_slow("too many late frames", "\n".join([frames[0], *late]))


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    program = unittest.main(exit=False, verbosity=2)
    sys.exit(0 if program.result.wasSuccessful() else 1)
