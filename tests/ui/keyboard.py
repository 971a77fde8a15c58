# SPDX-License-Identifier: GPL-3.0-or-later
"""The window by keys alone: nothing here presses, clicks or chooses but with a key, and at every step the
focus is somewhere, and in sight."""

import os
import sys
import unittest

from chat import make_slow_model
from desktop import Atspi, GLib, Missing, WindowTest, pressed, role, run, text_of, wait_for, walk

OURS = os.path.join(os.environ["LW_DEFAULT_MODEL_FOLDER"], "longwave-mini.gguf")
TMP = os.environ["TMPDIR"]


class Keyboard(WindowTest):
    """The tests share one home and run in the order of their names."""

    def start(self, model=OURS):
        self.p = self.launch(LW_DEFAULT_MODEL=model)
        self.wait_for_focus("Question")
        return self.p

    def keys(self, *keys):
        run("xdotool", "key", *keys)

    def type(self, text):
        run("xdotool", "type", text)

    def back_to_window(self):
        """What a window manager does when a dialog has closed."""
        run("xdotool", "windowfocus", "--sync", self.p.window)

    # -- The focus --

    def focused(self):
        for node in walk(self.p.app):
            try:
                if node.get_state_set().contains(Atspi.StateType.FOCUSED):
                    return node
            except GLib.Error:
                pass
        return None

    def focus_name(self):
        try:
            node = self.focused()
            return node and (node.get_name() or text_of(node) if role(node) == "label" else node.get_name())
        except GLib.Error:
            return None

    def wait_for_focus(self, name):
        try:
            wait_for(f"the focus on {name!r}", lambda: self.focus_name() == name)
        except Missing as missing:
            raise AssertionError(f"{missing}; it is on {self.focus_name()!r}") from None

    def in_sight(self, node):
        box = Atspi.Component.get_extents(node, Atspi.CoordType.WINDOW)
        top = node
        while role(top) not in ("frame", "dialog", "window"):
            top = top.get_parent()
        window = Atspi.Component.get_extents(top, Atspi.CoordType.WINDOW)
        return box.width > 0 and box.y + box.height > 0 and box.y < window.height \
            and box.x + box.width > 0 and box.x < window.width

    def go_to(self, name, key="shift+Tab", role_name=None):
        """Tab until the focus is there, which it must be within one round."""
        seen = []
        for _ in range(50):
            before = self.focused()
            self.keys(key)
            node = wait_for("the focus to move", lambda: next(
                (n for n in [self.focused()] if n is not None and n != before), None))
            seen.append(node.get_name())
            wait_for(f"{seen[-1]!r} to be in sight", lambda: self.in_sight(node))
            if node.get_name() == name and (not role_name or role(node) == role_name):
                return
        self.fail(f"no way to {name!r} with {key}: {seen}")

    def answers(self):
        return [n.get_name() for n in self.p.find_all("list item", contains="Longwave: ")]

    def wait_for_answer(self):
        wait_for("the answer", lambda: self.p.find("push button", "Send") and self.answers()
                 and self.p.find("label", contains="tokens/s"))

    # -- Journeys --

    def test_1_ask_edit_and_branch(self):
        p = self.start()
        self.type("Hello there, who are you?")
        self.keys("Return")
        self.wait_for_answer()
        self.wait_for_focus("Question")
        self.go_to("Edit question")
        self.keys("space")
        p.get("label", "Editing an earlier question")
        self.wait_for_focus("Question")
        # Escape gives it up, as the button beside it does.
        self.keys("Escape")
        wait_for("the edit to be given up", lambda: not p.find("label", "Editing an earlier question"))
        self.wait_for_focus("Question")
        self.assertEqual(text_of(p.question()), "")
        self.go_to("Edit question")
        self.keys("space")
        p.get("label", "Editing an earlier question")
        self.wait_for_focus("Question")
        self.type(" And what can you do?")
        self.keys("Return")
        p.get("list item", contains="what can you do?")
        p.get("label", "2 / 2")
        self.wait_for_answer()
        self.go_to("Previous version")
        self.keys("space")
        p.get("label", "1 / 2")
        self.go_to("Next version")
        self.keys("space")
        p.get("label", "2 / 2")

        # A message is deleted and comes back.
        self.go_to("Answer again", "Tab")
        self.go_to("Delete message", "Tab")
        self.keys("space")
        p.get("label", "1 message deleted")
        wait_for("the answer to go", lambda: not self.answers())
        self.go_to("Undo", "Tab")
        self.keys("space")
        wait_for("the answer to be back", self.answers)
        self.go_to("Question", "Tab")
        # Whoever begins to write means the question.
        self.go_to("Copy message")
        self.type("what")
        self.wait_for_focus("Question")
        wait_for("what was typed", lambda: text_of(p.question()) == "what")
        self.keys("ctrl+n")
        p.get("label", "New Chat")
        self.wait_for_focus("Question")
        self.end()

    def test_2_attach(self):
        picture = os.path.join(TMP, "red.png")
        run("convert", "-size", "320x240", "xc:white", "-fill", "#d03030", "-draw", "circle 160,120 160,50",
            picture)
        p = self.start()
        self.keys("ctrl+n")
        self.keys("ctrl+o")
        wait_for("the file chooser", lambda: p.find("push button", "Cancel"))
        self.type(picture)
        self.keys("Return")
        p.get(contains="Remove red.png")
        self.back_to_window()
        self.wait_for_focus("Question")
        self.go_to("Remove red.png")
        self.keys("space")
        wait_for("it to go", lambda: not p.find(contains="Remove red.png"))
        self.wait_for_focus("Question")
        self.end()

    def test_3_chats(self):
        p = self.start()
        self.keys("ctrl+n")
        self.wait_for_focus("Question")
        self.type("A red bicycle")
        self.keys("Return")
        self.wait_for_answer()

        # The list of chats has headings, which are passed.
        self.go_to("A red bicycle", role_name="list item")
        self.keys("Down")
        wait_for("the next chat", lambda: "Hello there" in (self.focus_name() or ""))
        self.keys("Up")
        self.wait_for_focus("A red bicycle")
        self.keys("Menu")
        wait_for("the chat's menu", lambda: p.find("menu item", "Rename…"))
        self.keys("Escape")
        self.wait_for_focus("A red bicycle")
        self.keys("F2")
        p.get(contains="Rename Chat")
        self.keys("ctrl+a")
        self.type("The bicycle")
        self.keys("Return")
        p.get("list item", "The bicycle")
        self.back_to_window()
        self.wait_for_focus("The bicycle")
        self.keys("Down", "Return")
        p.get("list item", contains="You: Hello there")
        self.wait_for_focus("Question")

        # Deleted, and brought back.
        self.go_to("The bicycle", role_name="list item")
        self.keys("Delete")
        wait_for("it to go", lambda: not p.find("list item", "The bicycle"))
        wait_for("the focus to be on the next one", lambda: "Hello there" in (self.focus_name() or ""))
        self.keys("ctrl+z")
        p.get("list item", "The bicycle")
        wait_for("the offer to go", lambda: not p.find("push button", "Undo"))

        # Search, and on to the hit.
        self.keys("ctrl+f")
        self.wait_for_focus("Search all messages")
        self.type("bicycle")
        p.get("list item", contains=": A red bicycle")
        self.keys("Tab")
        wait_for("the focus on the hit", lambda: ": A red bicycle" in (self.focus_name() or ""))
        self.keys("Return")
        p.get("list item", contains="You: A red bicycle")
        wait_for("the focus to be somewhere", self.focused)
        self.keys("ctrl+f", "Escape")
        wait_for("the search to end", lambda: not p.find("list item", contains=": A red bicycle")
                 or p.find("list item", "The bicycle"))
        self.end()

    def choose(self, *entries):
        """From the menu of the chat that has the focus: each entry has it in turn, the last one is chosen."""
        self.keys("Menu")
        self.wait_for_focus(entries[0])
        for entry in entries[1:]:
            self.keys("Down")
            self.wait_for_focus(entry)
        self.keys("Return")
        wait_for("the menu to close", lambda: not self.p.find("menu item", "Rename…"))

    def test_3a_chat_menu(self):
        """Pinned, unpinned and put into a folder; the focus stays with the chat."""
        p = self.start()
        self.go_to("The bicycle", role_name="list item")
        self.choose("Pin")
        p.get("list item", "Pinned")
        self.wait_for_focus("The bicycle")
        self.choose("Unpin")
        wait_for("no chat to be pinned", lambda: not p.find("list item", "Pinned"))
        self.wait_for_focus("The bicycle")
        self.choose("Pin", "Rename…", "Move to Folder…")
        p.get(contains="Move to Folder")
        p.get("text", "Folder")
        p.type_over("Journeys", "Return")
        p.get("list item", "Journeys")
        self.back_to_window()
        self.wait_for_focus("The bicycle")
        self.end()

    def test_4_shortcuts(self):
        """All that the window of shortcuts lists."""
        p = self.start()
        for key, sign in (("ctrl+comma", "Preferences"), ("ctrl+e", "Chat Settings"),
                          ("ctrl+shift+m", "Models"), ("ctrl+question", "Keyboard Shortcuts")):
            self.keys(key)
            wait_for(sign, lambda: any(role(n) in ("frame", "dialog", "window")
                                       and n.get_name() == sign for n in self.tops()))
            wait_for("the focus to be in it", lambda: self.focused())
            if sign == "Chat Settings":
                # Its label is long, and a widget of its own.
                self.go_to("Use for All Chats with This Model", "Tab", "push button")
            self.keys("Escape")
            p.wait_for_one_window()
            self.back_to_window()
            self.wait_for_focus("Question")
        # A model is chosen, and what comes next is a question: Enter must not open the list again.
        self.go_to("Choose a model", role_name="push button")
        self.keys("space")
        wait_for("the list of models", lambda: self.focus_name() == "Longwave Mini")
        self.keys("Return")
        self.wait_for_focus("Question")
        self.keys("F10")
        p.get("menu item", "About Longwave")
        self.keys("Escape")
        self.wait_for_focus("Main menu")
        self.go_to("Question", "Tab")
        shown = pressed(p.get("push button", "Show chats"))
        self.keys("F9")
        wait_for("the sidebar", lambda: pressed(p.get("push button", "Show chats")) != shown)
        self.keys("F9")
        wait_for("the sidebar", lambda: pressed(p.get("push button", "Show chats")) == shown)
        self.type("one")
        self.keys("shift+Return")
        self.type("two")
        wait_for("the line break", lambda: text_of(p.question()) == "one\ntwo")
        self.keys("ctrl+a", "ctrl+x", "ctrl+v", "ctrl+v")
        wait_for("what was pasted", lambda: text_of(p.question()) == "one\ntwo" * 2)
        self.keys("ctrl+a", "BackSpace")
        self.keys("ctrl+shift+n")
        wait_for("a second window", lambda: len(self.tops()) == 2)
        self.keys("ctrl+w")
        p.wait_for_one_window()
        self.end()

    def tops(self):
        children = [self.p.app.get_child_at_index(i) for i in range(self.p.app.get_child_count())]
        return [n for n in children if n is not None and n.get_state_set().contains(Atspi.StateType.VISIBLE)]

    def test_5_stop(self):
        p = self.start(make_slow_model())
        self.keys("ctrl+n")
        self.type("Tell me a very long story")
        self.keys("Return")
        wait_for("the answer to begin", lambda: any(
            role(n) == "label" and len(text_of(n)) > 40 for n in walk(p.get("list", "Messages"))))
        # A screen reader is told that it is not whole yet, and what it says when it is.
        row = p.get("list item", contains="Longwave: ")
        self.assertTrue(row.get_state_set().contains(Atspi.StateType.BUSY))
        self.keys("Escape")
        p.get("label", contains="Stopped")
        wait_for("the row to be named", lambda: not row.get_state_set().contains(Atspi.StateType.BUSY)
                 and len(row.get_name()) > 40)
        self.wait_for_focus("Question")
        self.go_to("Go on writing")
        self.keys("space")
        p.get("push button", "Stop")
        self.keys("Escape")
        p.get("push button", "Send")
        wait_for("the focus to be somewhere", self.focused)
        self.end()


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    program = unittest.main(exit=False, verbosity=2)
    sys.exit(0 if program.result.wasSuccessful() else 1)
