# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in a conversation, and what can be done with it."""

import glob
import json
import os
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time
import unittest

from desktop import (Atspi, Program, WindowTest, next_line, number, press, role, run, set_key, settings, showing,
                     text_of, wait_for, walk)
from answering import make_looping_model, make_model, make_slow_model
import store

TMP, RUNTIME = os.environ["TMPDIR"], os.environ["XDG_RUNTIME_DIR"]
FIXTURES = os.environ["LW_FIXTURES"]

MARKDOWN = r"""# A short tour

This is *emphasis*, **strong**, `inline code` and a [link](https://example.org/). The area is $\pi r^2$.

1. First
2. Second, with more:
   - a point
   - another one

> A quotation of
> two lines.

```python
def area(radius):
    # of a circle
    return 3.14159 * radius ** 2
```

| Planet | Moons | Note |
|:-------|------:|:----:|
| Mars   | 2     | red, because of the iron oxide in its soil and its dust |
| Saturn | 146   | rings |

$$
x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}
$$

---

- [x] done
- [ ] open

The end.
"""


def break_template(path):
    """Make the model's chat template one that cannot be parsed, of the same length."""
    with open(path, "rb") as f:
        data = bytearray(f.read())
    key = b"tokenizer.chat_template"
    at = data.index(key) + len(key)
    kind, n = struct.unpack_from("<IQ", data, at)
    assert kind == 8
    data[at + 12 : at + 12 + n] = b"{% if %}".ljust(n)
    with open(path, "wb") as f:
        f.write(data)


class Chat(WindowTest):
    """The tests share one home and run in the order of their names."""

    @classmethod
    def setUpClass(cls):
        cls.model = make_model()
        p = Program(LW_DEFAULT_MODEL=cls.model)
        assert p.quit() == 0
        store.add_chat("markdown", "The tour", [("user", "Show me <b>everything</b> & *more*"),
                                                ("assistant", MARKDOWN)])

    def start(self, *args, model=None, **environment):
        return self.launch(*args, LW_DEFAULT_MODEL=model or self.model, **environment)

    def open_chat(self, p, title):
        p.select(p.get("list item", title))

    def texts(self, p):
        return [text_of(n) for n in walk(p.get("list", "Messages")) if role(n) == "label"]

    def clipboard(self):
        """The text on it; nothing while its owner changes, when xclip waits for ever or gets what is no text."""
        try:
            held = subprocess.run(["xclip", "-selection", "clipboard", "-t", "UTF8_STRING", "-o"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=5).stdout
            return held.decode()
        except (subprocess.TimeoutExpired, UnicodeDecodeError):
            return ""

    def scroll_to_top(self, p):
        run("xdotool", "mousemove", "--window", p.window, "340", "300", "click", "--repeat", "30", "4")

    def check_markdown(self, p, opened=False):
        if not opened:
            self.open_chat(p, "The tour")
        wait_for("the last block", lambda: "The end." in self.texts(p))
        texts = self.texts(p)
        for wanted in ["A short tour", "First", "2.", "a point", "A quotation of\ntwo lines.",
                       "Python", "Saturn", "146", "x = (-b ± √(b² - 4ac))/(2a)", "☑",
                       "This is emphasis, strong, inline code and a link. The area is πr².",
                       "def area(radius):\n    # of a circle\n    return 3.14159 * radius ** 2"]:
            self.assertIn(wanted, texts)
        # What was typed is not Markdown.
        self.assertIn("Show me <b>everything</b> & *more*", texts)

    def test_1_markdown(self):
        p = self.start()
        self.check_markdown(p)
        p.press("Copy LaTeX source")
        wait_for("the source on the clipboard", lambda: self.clipboard()
                 == r"x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}")
        p.press("Copy code")
        wait_for("the code on the clipboard", lambda: self.clipboard().startswith("def area(radius):"))
        p.get(name="Copied")
        answer = p.get("list item", contains="Longwave: # A short tour")
        copy = [n for n in walk(answer) if n.get_name() == "Copy message"][0]
        self.assertTrue(press(copy))
        wait_for("the message on the clipboard", lambda: self.clipboard() == MARKDOWN)
        p.screenshot("markdown-end")
        self.scroll_to_top(p)
        p.screenshot("markdown")
        self.end()

        p = self.start(ADW_DEBUG_COLOR_SCHEME="prefer-dark")
        self.check_markdown(p)
        p.screenshot("markdown-dark-end")
        self.scroll_to_top(p)
        p.screenshot("markdown-dark")
        self.end()

        set_key("window-width", 360)
        p = self.start()
        self.check_markdown(p, opened=True)
        self.scroll_to_top(p)
        p.screenshot("markdown-narrow")
        self.end()
        set_key("window-width", 1000)

    def test_11_thoughts(self):
        store.add_chat("thoughts", "Thoughtful", [
            ("user", "How many?"), ("assistant", "<think>\nOne, two, *three*.\n</think>\n\nThere are **three**.")])
        p = self.start()
        self.open_chat(p, "Thoughtful")
        wait_for("the answer", lambda: "There are three." in self.texts(p))
        self.assertFalse(any("<think>" in t for t in self.texts(p)))
        p.screenshot("thoughts")
        p.get("list item", "Longwave: There are **three**.")
        self.assertTrue(press(p.get("push button", "Thoughts")))
        wait_for("the thoughts", lambda: any(text_of(n) == "One, two, three." and showing(n)
                                             for n in p.find_all("label")))
        self.end()

    def test_2_long_texts_have_few_widgets(self):
        store.add_chat("long", "Very long", [("user", "word " * 200000), ("assistant", "- item\n" * 20000)])
        p = self.start()
        self.open_chat(p, "Very long")
        p.get(name="Show what comes after")
        texts = self.texts(p)
        self.assertGreater(texts.count("item"), 200)
        self.assertLess(len(texts), 1200)
        # Its widgets are taken down a few at a time, and made again.
        p.press("New chat")
        p.get("label", "New Chat")
        self.assertIsNone(p.find(name="Show what comes after"))
        self.open_chat(p, "Very long")
        p.get(name="Show what comes after")
        self.assertGreater(self.texts(p).count("item"), 200)
        self.end()

    # -- What can be done with messages --

    def ask(self, p, text):
        p.write(text)
        p.press("Send")
        self.wait_for_end(p, text[:100])  # a row's name is not a whole long text

    def wait_for_end(self, p, question):
        p.get("list item", contains="You: " + question)
        wait_for("the answer's end", lambda: p.find("push button", "Send") and self.answer(p))

    def answer(self, p):
        rows = p.find_all("list item", contains="Longwave: ")
        return rows[-1].get_name()[len("Longwave: "):] if rows else ""

    def press_in(self, p, row, name):
        def try_it():
            item = p.find("list item", contains=row)
            return item and any(press(n) for n in walk(item) if n.get_name() == name and showing(n))
        wait_for(f"the button {name!r} of {row!r}", try_it)

    def test_3_branches(self):
        p = self.start()
        p.press("New chat")
        p.get("label", "New Chat")
        self.ask(p, "Hello there, who are you?")
        first = self.answer(p)
        self.press_in(p, "Longwave: ", "Answer again")
        p.get("label", "2 / 2")
        self.wait_for_end(p, "Hello there")
        self.press_in(p, "Longwave: ", "Previous version")
        p.get("label", "1 / 2")
        wait_for("the first answer", lambda: self.answer(p) == first)
        self.press_in(p, "Longwave: ", "Next version")
        p.get("label", "2 / 2")

        # A half-written question waits while another one is edited.
        p.write("half")
        self.press_in(p, "You: Hello there", "Edit question")
        p.get("label", "Editing an earlier question")
        wait_for("the question in the field",
                 lambda: text_of(p.question()) == "Hello there, who are you?")
        p.screenshot("editing")
        p.press("Cancel editing")
        wait_for("the half question", lambda: text_of(p.question()) == "half")
        self.press_in(p, "You: Hello there", "Edit question")
        wait_for("the question in the field",
                 lambda: text_of(p.question()) == "Hello there, who are you?")
        p.write(" And what can you do?")
        p.press("Send")
        self.wait_for_end(p, "Hello there, who are you? And what can you do?")
        wait_for("the half question", lambda: text_of(p.question()) == "half")
        self.assertIsNone(p.find("list item", "You: Hello there, who are you?"))
        p.screenshot("branches")
        self.press_in(p, "You: Hello there", "Previous version")
        p.get("list item", "You: Hello there, who are you?")
        p.get("list item", contains="Longwave: ")

        # Deleted, and back.
        shown = self.answer(p)
        p.get("label", "2 / 2")
        self.press_in(p, "Longwave: ", "Delete message")
        p.get("label", "1 message deleted")
        p.screenshot("message-deleted")
        wait_for("the other answer", lambda: self.answer(p) == first)
        p.press("Undo")
        wait_for("the answer to be back",
                 lambda: self.answer(p) == shown and len(p.find_all("label", "2 / 2")) == 1)
        self.end()

        # All of it is in the store.
        p = self.start()
        wait_for("the same answer", lambda: self.answer(p) == shown)
        p.get("label", "2 / 2")
        self.end()

    def test_4_continue(self):
        slow = make_slow_model()
        p = self.start(model=slow)
        p.press("New chat")
        p.get("label", "New Chat")
        p.write("Tell me a very long story")
        p.press("Send")
        wait_for("the answer to begin", lambda: any(len(t) > 40 for t in self.texts(p)))
        p.press("Stop")
        p.get("label", contains="Stopped")
        before = self.answer(p)
        self.press_in(p, "Longwave: ", "Go on writing")
        wait_for("it to grow", lambda: len("".join(self.texts(p)[1:])) > 2 * len(before) + 200)
        p.press("Stop")
        p.get("push button", "Send")
        wait_for("it to be one text", lambda: self.answer(p).startswith(before[:200]))
        self.assertEqual(len(p.find_all("list item", contains="Longwave: ")), 1)
        self.end()

    def written(self, p):
        return len("".join(self.texts(p)[1:]))

    def test_41_an_answer_that_repeats_itself(self):
        looping = make_looping_model()
        p = self.start(model=looping)
        p.press("New chat")
        p.get("label", "New Chat")
        p.write("Say it again")
        p.press("Send")
        p.get("label", contains="Stopped: the answer began to repeat itself")
        p.get("push button", "Send")
        p.screenshot("repeats")
        # It is said after a restart as well, and it can be gone on with: for as long again, then it is said again.
        self.end()
        p = self.start(model=looping)
        p.get("label", contains="Stopped: the answer began to repeat itself")
        before = self.written(p)
        self.press_in(p, "Longwave: ", "Go on writing")
        wait_for("it to have gone on", lambda: self.written(p) > 1.5 * before and p.find("push button", "Send"))
        p.get("label", contains="Stopped: the answer began to repeat itself")
        # Unless nobody wants that.
        p.key("ctrl+comma")
        self.assertTrue(press(p.get("check box", "Stop answers that repeat themselves")))
        wait_for("it to be kept", lambda: "stop-repeating=false" in settings())
        p.key("Escape")
        wait_for("the preferences to be closed", lambda: not p.find(contains="Stop answers that repeat"))
        before = self.written(p)
        self.press_in(p, "Longwave: ", "Go on writing")
        wait_for("it to go on and on", lambda: self.written(p) > before + 1100)
        p.press("Stop")
        p.get("push button", "Send")
        self.assertIsNone(p.find("label", contains="Stopped: the answer began"))
        p.get("label", contains="Stopped")
        self.end()
        set_key("stop-repeating", "true")

    # -- The list of chats --

    def chat_menu(self, p, title, item):
        row = p.get("list item", title)
        wait_for("the chat's menu", lambda: any(role(n) == "push button" and n.get_name() == "Chat menu"
                                                and press(n) for n in walk(row)))
        entry = wait_for(f"the menu item {item}", lambda: next(
            (n for n in walk(row) if role(n) == "menu item" and n.get_name() == item and showing(n)), None))
        self.assertTrue(press(entry))

    def rows(self, p):
        # A row that is going has no parent any more.
        return [n.get_name() for n in p.find_all("list item")
                if n.get_parent() and n.get_parent().get_name() == "Chats"]

    def test_5_list(self):
        day = 24 * 3600
        now = time.time()
        store.add_chat("monday", "Old plans", [("user", "The albatross plan"), ("assistant", "It is old.")],
                       now - 400 * day)
        store.add_chat("week", "Last week", [("user", "A walk in the rain"), ("assistant", "Take a coat.")],
                       now - 5 * day)
        many = []
        for i in range(60):
            many += [("user", f"Question number {i}"), ("assistant", f"Answer number {i}.\n\nSecond paragraph.")]
        many[40] = ("user", "Where does the ALBATROSS sleep?")
        store.add_chat("many", "Many turns", many, now - 5 * day)
        p = self.start()
        p.get("list item", "Old plans")
        rows = self.rows(p)
        year = time.strftime("%B %Y", time.localtime(now - 400 * day))
        for heading, chat in [("Today", "The tour"), ("Last 7 Days", "Last week"), (year, "Old plans")]:
            self.assertLess(rows.index(heading), rows.index(chat), rows)

        self.chat_menu(p, "Old plans", "Pin")
        wait_for("the pinned chat on top", lambda: self.rows(p)[:2] == ["Pinned", "Old plans"])
        self.chat_menu(p, "Last week", "Move to Folder…")
        p.get("text", "Folder")
        p.type_over("Walks", "Return")
        wait_for("the folder", lambda: self.rows(p)[2:4] == ["Walks", "Last week"])
        p.screenshot("chats")

        # The search goes through all messages and jumps to the hit.
        p.key("ctrl+f")
        run("xdotool", "type", "albatross")
        found = ["Many turns: Where does the ALBATROSS sleep?", "Old plans: The albatross plan"]

        def hits():
            rows = p.find_all("list item", contains=": ")
            return {n.get_name(): n for n in rows
                    if n.get_parent() and n.get_parent().get_name() == "Search results"}
        wait_for("the hits", lambda: sorted(hits()) == found)
        p.screenshot("search")
        p.select(hits()[found[0]])
        row = p.get("list item", contains="You: Where does the ALBATROSS sleep?")
        from gi.repository import Atspi

        def in_view():
            box = Atspi.Component.get_extents(row, Atspi.CoordType.WINDOW)
            return 0 < box.y < 640
        wait_for("the hit to be scrolled to", in_view)
        p.screenshot("search-hit")
        run("xdotool", "key", "Escape")
        self.end()

        p = self.start()
        wait_for("pin and folder after a restart",
                 lambda: self.rows(p)[:4] == ["Pinned", "Old plans", "Walks", "Last week"])
        self.end()

    def test_6_export_and_import(self):
        p = self.start()
        target = os.path.join(TMP, "exported.json")
        self.chat_menu(p, "Old plans", "Export as JSON…")
        p.type_file_name("Export", target)
        wait_for("the exported file", lambda: os.path.exists(target))
        p.get("label", "Chat exported")
        with open(target) as f:
            chat = json.load(f)
        self.assertEqual([m["text"] for m in chat["messages"]], ["The albatross plan", "It is old."])
        chat["title"] = "Brought back"
        with open(target, "w") as f:
            json.dump(chat, f)
        p.key("F10")
        self.import_file(p, target)
        p.get("list item", "Brought back")
        p.get("list item", "You: The albatross plan")

        broken = os.path.join(TMP, "broken.json")
        chat["messages"][1]["role"] = "system"
        with open(broken, "w") as f:
            json.dump(chat, f)
        p.key("F10")
        self.import_file(p, broken)
        p.get("label", contains="message 2: its role is neither")
        markdown = os.path.join(TMP, "exported.md")
        self.chat_menu(p, "Old plans", "Export as Markdown…")
        p.type_file_name("Export", markdown)
        wait_for("the exported file", lambda: os.path.exists(markdown))
        with open(markdown) as f:
            self.assertIn("# Old plans\n\n## You, ", f.read())
        self.end()

    def test_61_file_dialog_before_its_folder(self):
        folder = os.path.join(TMP, *(f"a folder with a long name, number {i}" for i in range(9)))
        os.makedirs(folder)
        said = subprocess.run([os.environ["LW_SLOW_FOLDER"], folder], capture_output=True, text=True, timeout=90)
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)

    def import_file(self, p, path):
        entry = wait_for("the menu item", lambda: next(
            (n for n in p.find_all("menu item", "Import Chat…")), None))
        self.assertTrue(press(entry))
        p.type_file_name("Import", path)

    # -- The composer --

    def drop_file(self, p, path):
        """As a second start with the file does."""
        subprocess.run([os.environ["LW_APP"], path], check=True, timeout=60)

    def test_7_documents_and_costs(self):
        document = os.path.join(TMP, "notes on birds.py")
        with open(document, "w") as f:
            f.write("# The secret bird is a puffin.\n" * 20)
        p = self.start()
        p.press("New chat")
        p.get("label", "New Chat")
        self.drop_file(p, document)
        p.get(contains="Remove notes on birds.py")
        cost = p.get("label", contains=" tokens")
        self.assertGreater(number(re.match(r"([\d,]+) tokens$", text_of(cost))[1]), 20)
        p.get("level bar", "Context used")
        p.screenshot("document")
        before = text_of(wait_for("the gauge", lambda: p.find("label", contains=" of ")))
        p.write("Which bird is it?")
        wait_for("the text to be counted",
                 lambda: text_of(p.find("label", contains=" of ")) != before)
        p.press("Send")
        self.wait_for_end(p, "Which bird is it?")
        p.get(contains="Document notes on birds.py")
        prompt = wait_for("how long the prompt was", p.details)[-1]
        self.assertGreater(number(re.search(r"([\d,]+) prompt tokens", prompt)[1]), 150)
        p.screenshot("document-asked")
        # It was copied: the conversation does not need the file any more.
        os.unlink(document)
        self.press_in(p, "Longwave: ", "Answer again")
        p.get("label", "2 / 2")
        self.wait_for_end(p, "Which bird is it?")

        # What is neither text nor a picture is refused, with the reason.
        odd = os.path.join(TMP, "odd.bin")
        with open(odd, "wb") as f:
            f.write(b"abc\0def")
        self.drop_file(p, odd)
        p.get("label", contains="“odd.bin” cannot be read")
        p.get("label", "not text in UTF-8: byte 0x00 at offset 3")
        self.end()

    def test_71_odd_files(self):
        """What cannot be attached is refused with one sentence; names are shown on one line."""
        folder = os.path.join(TMP, "odd things")
        os.makedirs(os.path.join(folder, "a folder"))
        os.mkfifo(os.path.join(folder, "pipe.txt"))
        os.mkfifo(os.path.join(folder, "pipe.png"))
        for name, data in ((b"no utf-8 \xff.txt", b"abc\0"), (b"no utf-8 \xff.png", b"abc\0"),
                           (b"two\nlines.md", b"The garden is green."),
                           ("turned \u202etxt.md".encode(), b"So is the sea.")):
            with open(os.path.join(folder.encode(), name), "wb") as f:
                f.write(data)
        p = self.start()
        p.press("New chat")
        p.get("label", "New Chat")
        for name, said in (("a folder", "“a folder” is a folder."),
                           ("pipe.txt", "“pipe.txt” is not a file"),
                           ("pipe.png", "pipe.png: not a file that can be read"),
                           (b"no utf-8 \xff.txt", "“no utf-8 \ufffd.txt” cannot be read."),
                           (b"no utf-8 \xff.png", "no utf-8 \ufffd.png: neither a picture")):
            self.drop_file(p, os.path.join(os.fsencode(folder), os.fsencode(name)))
            p.get("label", contains=said)
        self.assertIsNone(p.find(contains="Remove "))
        self.drop_file(p, os.path.join(folder, "two\nlines.md"))
        p.get("push button", "Remove two\ufffdlines.md")
        self.drop_file(p, os.path.join(folder, "turned \u202etxt.md"))
        p.get("push button", "Remove turned \ufffdtxt.md")
        p.write("What is green?")
        p.press("Send")
        self.wait_for_end(p, "What is green?")
        p.get(contains="Document two\ufffdlines.md")

        # As many as a question may have, at once: no stall.
        paths = [os.path.join(folder, f"picture {i}.png") for i in range(32)]
        run("convert", "-size", "64x48", "xc:#d03030", paths[0])
        for path in paths[1:]:
            os.link(paths[0], path)
        subprocess.run([os.environ["LW_APP"], *paths], check=True, timeout=60)
        wait_for("all pictures", lambda: len(p.find_all("push button", contains="Remove picture ")) == 32)
        self.drop_file(p, paths[0])
        p.get("label", contains="at most 32 attachments")
        p.screenshot("many-attachments")
        self.end()

        p = self.start()
        p.get(contains="Document two\ufffdlines.md")
        self.end()

    def test_72_an_endless_line(self):
        """A line that no text field can show between two frames is attached, and may be asked about at once."""
        text = "The puffin is the bird. " + "word " * 4001
        p = self.start()
        p.press("New chat")
        p.get("label", "New Chat")
        p.write("Which bird is it?")
        p.paste("UTF8_STRING", text.encode(), "the document", lambda: p.find(contains="Remove Pasted text"))
        p.press("Send")
        p.get("list item", contains="You: Which bird is it?")
        p.get(contains="Document Pasted text")
        # A very small model may not find an end.
        def ended():
            for button in p.find_all("push button", "Stop"):
                press(button)
            return p.find("push button", "Send")
        wait_for("its end", ended)
        # It was kept whole, and the file it had before is gone.
        kept = os.path.join(os.environ["XDG_DATA_HOME"], "longwave", "attachments", "*.txt")

        def contents():
            for path in glob.glob(kept):
                with open(path, encoding="utf-8") as f:
                    yield f.read()
        wait_for("the text to be kept", lambda: text in contents())
        wait_for("its first file to go", lambda: not glob.glob(os.path.join(RUNTIME, "longwave-*")))
        self.end()

    def test_8_enter_and_long_pastes(self):
        p = self.start()
        p.key("F10")
        self.assertTrue(press(wait_for("the menu item", lambda: p.find(contains="Enter Sends"))))
        p.key("ctrl+n")
        p.get("label", "New Chat")
        p.write("first")
        run("xdotool", "key", "ctrl+End", "Return")
        wait_for("the line break", lambda: text_of(p.question()) == "first\n")
        p.key("ctrl+Return")
        self.wait_for_end(p, "first")
        p.key("F10")
        self.assertTrue(press(wait_for("the menu item", lambda: p.find(contains="Enter Sends"))))
        p.key("Escape")
        self.end()

        p = self.start()
        # GTK 4.8's text view measures what became visible while it paints, and its scrollbar moves then.
        self.known_warnings = ("Trying to snapshot GtkGizmo .* without a current allocation",)
        text = "".join(f"line {i} of a very long text that somebody pastes\n" for i in range(20000))
        p.press("New chat")
        p.get("label", "New Chat")
        from gi.repository import Atspi
        p.paste("UTF8_STRING", text.encode(), "the long text",
                lambda: Atspi.Text.get_character_count(p.question()) == len(text))
        p.get("level bar", "Context used")
        self.assertEqual(text_of(p.question()), text)
        # What is in sight, once all lines are laid out, is the cursor behind it.
        field = p.question()

        def end_in_sight():
            first, last = (Atspi.Text.get_character_extents(field, at, Atspi.CoordType.WINDOW)
                           for at in (0, len(text) - 2))
            box = Atspi.Component.get_extents(field, Atspi.CoordType.WINDOW)
            return last.y - first.y >= 19999 * last.height and box.y <= last.y < box.y + box.height
        wait_for("the end of the text in sight", end_in_sight)
        p.screenshot("long-paste")
        # It is one step to undo, and takes the place of what is selected.
        p.key("ctrl+z")
        wait_for("it to be gone", lambda: text_of(p.question()) == "")
        p.write("before")
        p.key("ctrl+a")
        p.key("ctrl+v")
        wait_for("the long text again", lambda: Atspi.Text.get_character_count(p.question()) == len(text))
        # The chat may be left before all of it is there: the rest follows, into its draft and into no other.
        p.key("ctrl+a")
        p.key("ctrl+v")
        self.open_chat(p, "first")
        self.assertEqual(text_of(p.question()), "")
        p.write("for this one")
        p.press("New chat")
        wait_for("all of the long text", lambda: Atspi.Text.get_character_count(p.question()) == len(text))
        self.assertEqual(text_of(p.question()), text)
        self.open_chat(p, "first")
        self.assertEqual(text_of(p.question()), "for this one")
        self.end()

    def test_8a_left_before_the_clipboard_answers(self):
        """What is pasted belongs to the chat in which it was asked for."""
        p = self.start()
        p.press("New chat")
        p.get("label", "New Chat")
        self.open_chat(p, "first")
        p.get("list item", contains="You: first")
        owner = subprocess.Popen(["xclip", "-selection", "clipboard", "-t", "UTF8_STRING", "-quiet"],
                                 stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(owner.wait)
        self.addCleanup(owner.kill)
        owner.stdin.write(b"a late text")
        owner.stdin.close()
        wait_for("the text on the clipboard", lambda: self.clipboard() == "a late text")
        # Once that has been pasted the window knows whom to ask.
        wait_for("it to be pasted", lambda: p.key("ctrl+v") or "a late text" in text_of(p.question()), 20)
        p.key("ctrl+a", "Delete")
        wait_for("the field to be empty", lambda: text_of(p.question()) == "")
        owner.send_signal(signal.SIGSTOP)
        p.key("ctrl+v", "ctrl+n")
        p.get("label", "New Chat")
        p.write("for this one")
        owner.send_signal(signal.SIGCONT)
        self.open_chat(p, "first")
        wait_for("the text where it belongs", lambda: text_of(p.question()) == "a late text")
        p.press("New chat")
        wait_for("the other draft", lambda: text_of(p.question()) == "for this one")
        self.end()

    def test_8b_left_before_it_was_refused(self):
        """A file that turns out to be useless in a chat that was left is told of when that is opened again."""
        odd, good = os.path.join(TMP, "odd.bin"), os.path.join(TMP, "good.txt")
        with open(odd, "wb") as f:
            f.write(b"abc\0def")
        with open(good, "w") as f:
            f.write("The garden is green.")
        p = self.start()
        p.press("New chat")
        p.get("label", "New Chat")
        p.write("Is anything odd?")
        p.press("Send")
        self.wait_for_end(p, "Is anything odd?")
        owner = subprocess.Popen(["xclip", "-selection", "clipboard", "-t", "text/uri-list", "-quiet"],
                                 stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(owner.wait)
        self.addCleanup(owner.kill)
        owner.stdin.write(f"file://{odd}\r\n".encode())
        owner.stdin.close()
        # Once that has been pasted the window knows whom to ask.
        wait_for("it to be pasted", lambda: p.find("label", contains="“odd.bin” cannot be read")
                 or p.key("ctrl+v"), 20)
        owner.send_signal(signal.SIGSTOP)
        p.key("ctrl+v", "ctrl+n")
        p.get("label", "New Chat")
        wait_for("nothing to be told", lambda: not p.find("label", contains="“odd.bin” cannot be read"))
        owner.send_signal(signal.SIGCONT)
        p.write("for this one")
        self.drop_file(p, good)
        p.get("push button", "Remove good.txt")
        self.open_chat(p, "Is anything odd?")
        p.get("label", contains="“odd.bin” cannot be read")
        self.assertIsNone(p.find(contains="Remove "))
        # What was not asked in the new chat is all there.
        p.press("New chat")
        p.get("push button", "Remove good.txt")
        wait_for("the text", lambda: text_of(p.question()) == "for this one")
        self.end()

    # -- Long conversations --

    def test_9_ten_thousand_messages(self):
        messages = []
        for i in range(5000):
            messages += [("user", f"Question number {i}"),
                         ("assistant", f"Answer **number** {i}.\n\n- one\n- two\n\n```python\nprint({i})\n```\n")]
        store.add_chat("big", "Ten thousand", messages)
        store.add_chat("hundred", "A hundred", [(role, text[:18]) for role, text in messages[:100]])
        p = self.start(model=make_slow_model())
        self.open_chat(p, "Ten thousand")
        p.get("list item", contains="Longwave: Answer **number** 4999.")
        # However many there are, few are widgets.
        self.assertLess(len(self.chat_rows(p)), 60)
        self.scroll_up(p)
        wait_for("rows further up", lambda: not any("4999" in r for r in self.chat_rows(p)))
        self.assertLess(len(self.chat_rows(p)), 60)
        p.screenshot("ten-thousand")

        # What one looks at stays where it is while an answer is written at the end.
        self.open_chat(p, "A hundred")
        wait_for("the end of it", lambda: any("number 49" in r for r in self.chat_rows(p)))
        p.write("Go on")
        p.press("Send")
        wait_for("the answer to begin", lambda: p.find("push button", "Stop") and any(
            len(t) > 60 for t in self.texts(p)))
        self.scroll_up(p)
        wait_for("rows further up", lambda: not any("Go on" in r for r in self.chat_rows(p)))
        before = wait_for("the list to rest", lambda: self.resting(p))
        saved = self.saved_length()
        wait_for("more of the answer", lambda: self.saved_length() > saved)
        self.assertEqual(self.tops(p), before)
        p.press("Stop")
        p.get("push button", "Send")
        self.end()

    def saved_length(self):
        with store.connect() as db:
            row = db.execute("SELECT length(text) FROM messages WHERE state = 1 ORDER BY rowid DESC").fetchone()
        return row[0] if row else 0

    def resting(self, p):
        before = self.tops(p)
        return before if before and before == self.tops(p) else None

    def chat_rows(self, p):
        return [n.get_name() for n in walk(p.get("list", "Messages")) if role(n) == "list item"]

    def tops(self, p):
        from gi.repository import Atspi
        return {n.get_name(): Atspi.Component.get_extents(n, Atspi.CoordType.WINDOW).y
                for n in walk(p.get("list", "Messages")) if role(n) == "list item"}

    def scroll_up(self, p):
        for _ in range(8):
            run("xdotool", "mousemove", "--window", p.window, "600", "300", "click", "--repeat", "10", "4")

    # -- Pictures and films --

    def test_91_full_view(self):
        picture = os.path.join(TMP, "blue square.png")
        run("convert", "-size", "900x600", "xc:white", "-fill", "#3050d0", "-draw",
            "rectangle 300,200 600,400", picture)
        film = os.path.join(TMP, "short.mp4")
        run("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i",
            "testsrc=size=320x240:rate=10:duration=5", "-f", "lavfi", "-i", "sine=duration=5",
            "-pix_fmt", "yuv420p", film)
        p = self.start(picture, film)
        p.get(contains="Remove blue square.png")
        p.get(contains="Remove short.mp4")
        # What they cost is said before anything is sent.
        wait_for("both costs", lambda: len([n for n in p.find_all("label")
                                            if re.match(r"[\d,]+ tokens$", text_of(n))]) == 2)
        p.screenshot("media-costs")
        p.write("What is this?")
        p.press("Send")
        self.wait_for_end(p, "What is this?")
        # What each of them cost stands below; how it is looked at is in the tooltip, in words.
        p.get("label", contains="blue square.png: ")
        wait_for("how they are looked at", lambda: any(
            "blue square.png: A picture of 900 by 600 pixels: the model looks at it scaled to " in d
            and "short.mp4: A film of 320 by 240 pixels, 5.0 seconds, 10 frames a second.\nThe model looks at " in d
            for d in p.details()))
        p.screenshot("media-footer")
        tile = wait_for("the picture", lambda: p.find("push button", contains="Picture blue square.png"))
        self.assertTrue(press(tile))
        wait_for("the picture in full", lambda: p.find(name="Open in another program"))
        p.screenshot("picture-full", whole=True)
        run("xdotool", "key", "Escape")
        wait_for("it to be closed", lambda: not p.find(name="Open in another program"))
        tile = wait_for("the film", lambda: p.find("push button", contains="Film short.mp4"))
        self.assertTrue(press(tile))
        # The player tells how much is left of it; starting it must not hold the window up, as end() sees.
        wait_for("the film to play", lambda: p.find(name="Open in another program") and any(
            re.match(r"-0:0[0-3]$", text_of(n)) for n in walk(p.app) if role(n) == "label"))
        p.screenshot("film-full", whole=True)
        run("xdotool", "key", "Escape")
        wait_for("it to be closed", lambda: not p.find(name="Open in another program"))
        self.end()


    # -- When something fails --

    def test_92_disk_full(self):
        # A write beyond a limit fails as on a full disk: Python ignores its signal, the child inherits that.
        p = self.start(prepare=lambda: None)
        p.press("New chat")
        p.get("label", "New Chat")
        self.ask(p, "Hello there, who are you?")
        resource.prlimit(p.process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        p.write("What can you do?")
        p.press("Send")
        p.get("label", contains="cannot be saved at the moment")
        # What is said later does not hide it, and it outlasts what that is about.
        odd = os.path.join(TMP, "full.bin")
        with open(odd, "wb") as f:
            f.write(b"abc\0def")
        self.drop_file(p, odd)
        p.get("label", contains="“full.bin” cannot be read")
        p.get("label", contains="cannot be saved at the moment")
        p.screenshot("disk-full")
        p.press("New chat")
        wait_for("the other message to go", lambda: not p.find("label", contains="“full.bin” cannot be read"))
        p.get("label", contains="cannot be saved at the moment")
        self.open_chat(p, "Hello there, who are you?")
        # Work goes on: the answers are there all the same, and with room again everything is saved.
        resource.prlimit(p.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.wait_for_end(p, "What can you do?")
        wait_for("it to work again", lambda: p.find("label", contains="Saving works again"), 60)
        self.end()
        with store.connect() as db:
            chat = db.execute("SELECT conversation FROM messages WHERE text = 'What can you do?'"
                              " ORDER BY rowid DESC").fetchone()[0]
            texts = [t for t, in db.execute("SELECT text FROM messages WHERE conversation = ?"
                                            " ORDER BY position", (chat,))]
        self.assertEqual(len(texts), 4)
        self.assertTrue(all(texts))

    def test_93_model_deleted_while_open(self):
        folder = os.path.join(TMP, "gone")
        os.makedirs(folder)
        model = os.path.join(folder, "gone.gguf")
        shutil.copy(self.model, model)
        p = self.start(model=model)
        p.press("New chat")
        p.get("label", "New Chat")
        self.ask(p, "Hello there, who are you?")
        os.unlink(model)
        # It is still open: the chat goes on.
        p.write("What can you do?")
        p.press("Send")
        self.wait_for_end(p, "What can you do?")
        self.end()

        p = self.start(model=model)
        p.get("label", contains="gone.gguf")
        p.get(name="Add a Model")
        p.screenshot("model-gone")
        self.end()


    def test_94_titles(self):
        def title_of(question):
            with store.connect() as db:
                return db.execute("SELECT c.title, c.titled FROM conversations c JOIN messages m"
                                  " ON m.conversation = c.id WHERE m.text = ?", (question,)).fetchone()

        # A model may be too small to be asked; here any will do.
        p = self.start(LW_IDLE_PARAMS="0")
        p.press("New chat")
        p.get("label", "New Chat")
        # The default model takes few requests for a title as one; of a name that it was told it makes a short answer.
        question = "My name is Zelira. What is my name?"
        self.ask(p, question)
        wait_for("a title by the model", lambda: title_of(question)[1] == 1)
        title = title_of(question)[0]
        self.assertNotIn(title, ("My name is Zelira", "My name is Zelira.", question))
        p.get("list item", title)
        # One that somebody chose stays.
        self.chat_menu(p, title, "Rename…")
        p.get(contains="Rename Chat")
        p.type_over("My own", "Return")
        p.get("list item", "My own")
        self.ask(p, "And another question")
        self.end()
        self.assertEqual(title_of(question), ("My own", 2))

    def test_95_screenshot_without_a_portal(self):
        p = self.start()
        p.key("F10")
        self.assertTrue(press(wait_for("the menu item", lambda: p.find("menu item", "Attach a Screenshot…"))))
        p.get("label", "No screenshot could be taken: This desktop has no service for it (xdg-desktop-portal).")
        self.assertEqual(len(p.find_all("label", contains="No screenshot could be taken")), 1)
        self.end()

    def portal(self, response, *uri):
        """The screenshot portal, until the end of the test."""
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mock_portal.py")
        portal = subprocess.Popen([sys.executable, script, str(response), *uri], stdout=subprocess.PIPE, text=True)
        self.addCleanup(portal.stdout.close)
        self.addCleanup(portal.wait)
        self.addCleanup(portal.kill)
        self.assertEqual(next_line(portal.stdout), "ready\n")
        return portal

    def take_screenshot(self, p, portal):
        p.key("F10")
        self.assertTrue(press(wait_for("the menu item", lambda: p.find("menu item", "Attach a Screenshot…"))))
        # The portal is told whose it is, and the user chooses what is taken.
        self.assertRegex(next_line(portal.stdout), r"^request x11:[0-9a-f]+ True$")

    def end_portal(self, portal):
        portal.kill()
        portal.wait()

    def test_951_screenshot_by_the_portal(self):
        taken = os.path.join(TMP, "Screenshot from today.png")
        run("convert", "-size", "320x240", "xc:green", taken)
        uri = "file://" + taken.replace(" ", "%20")
        p = self.start()
        # The second time the user says no, which needs no message, as is seen when the third has been taken.
        for response, attached in ((0, 1), (1, 1), (0, 2)):
            portal = self.portal(response, uri)
            self.take_screenshot(p, portal)
            wait_for("the screenshot", lambda: len(p.find_all(contains="Remove Screenshot from today")) == attached)
            self.end_portal(portal)
        self.assertIsNone(p.find("label", contains="No screenshot could be taken"))
        wait_for("the costs", lambda: len([n for n in p.find_all("label")
                                           if re.match(r"[\d,]+ tokens$", text_of(n))]) == 2)
        # What failed has one.
        self.take_screenshot(p, self.portal(2))
        p.get("label", contains="No screenshot could be taken: ")
        self.assertEqual(len(p.find_all("label", contains="No screenshot could be taken")), 1)
        self.assertEqual(len(p.find_all(contains="Remove Screenshot")), 2)
        p.screenshot("screenshot-failed")
        self.end()

    # -- What the window says and keeps saying --

    def snapshots(self):
        """What is kept on the disk to pick up from: paths of files."""
        return {os.path.join(folder, name) for folder, _, names in os.walk(os.environ["XDG_CACHE_HOME"])
                for name in names if name.endswith(".pages")}

    def kept_with(self, word):
        """Files that the program keeps and that have this word in them."""
        found = []
        for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
            for folder, _, names in os.walk(os.environ[variable]):
                for path in (os.path.join(folder, name) for name in names):
                    if os.path.isfile(path):
                        with open(path, "rb") as f:
                            found += [path] * (word.encode() in f.read())
        return found

    def test_952_temporary(self):
        """A chat with branches, a picture and instructions of its own, of which not a byte reaches the disk."""
        picture = os.path.join(TMP, "plain.png")
        run("convert", "-size", "200x200", "xc:white", "-fill", "#3050d0", "-draw", "circle 100,100 100,40", picture)
        p = self.start()
        p.key("ctrl+shift+t")
        p.get("label", "Temporary Chat")
        p.get("label", contains="nothing of this chat is saved")
        p.screenshot("temporary-new")
        p.key("ctrl+e")
        field = p.get("text", "Instructions")
        Atspi.EditableText.insert_text(field, 0, "Know about rhubarb.", 19)
        run("xdotool", "key", "Escape")
        p.wait_for_one_window()
        before = self.snapshots()
        with open(picture, "rb") as f:
            p.paste("image/png", f.read(), "the picture", lambda: p.find(contains="Remove Pasted picture"))
        question = "Is this rhubarb? " + "We talk of many plants. " * 60
        self.ask(p, question)
        p.get("label", "Temporary")
        p.screenshot("temporary")
        self.press_in(p, "Longwave: ", "Answer again")
        p.get("label", "2 / 2")
        self.wait_for_end(p, "Is this rhubarb?")
        self.press_in(p, "Longwave: ", "Previous version")
        p.get("label", "1 / 2")
        # Its place in the list is not for long.
        p.press("Chat menu")
        p.get("menu item", "Rename…")
        self.assertIsNone(p.find("menu item", "Pin"))
        p.key("Escape")
        # What a chat costs that is not temporary: what was looked for above can be found.
        p.press("New chat")
        p.get("label", "New Chat")
        self.assertIsNone(p.find("label", contains="nothing of this chat is saved"))
        self.assertEqual(self.snapshots(), before)
        self.ask(p, question.replace("rhubarb", "celeriac"))
        wait_for("it to be kept", lambda: self.kept_with("celeriac"))
        wait_for("what is picked up from", lambda: self.snapshots() - before)
        # The other one is still there, with its picture.
        self.open_chat(p, "Is this rhubarb?")
        p.get("label", "1 / 2")
        self.assertEqual(len(glob.glob(os.path.join(RUNTIME, "longwave-*", "attachments", "*.png"))), 1)
        self.assertEqual(self.kept_with("rhubarb"), [])
        self.end()
        self.assertEqual(glob.glob(os.path.join(RUNTIME, "longwave-*")), [])
        self.assertEqual(self.kept_with("rhubarb"), [])

        p = self.start()
        p.get("list item", contains="celeriac")
        self.assertIsNone(p.find("list item", contains="rhubarb"))
        self.end()

    def test_96_restart_picks_up(self):
        p = self.start()
        p.press("New chat")
        p.get("label", "New Chat")
        question = "What is the last word: apple, " + ", ".join(str(i) for i in range(31)) + "?"
        self.ask(p, question)
        self.assertIsNone(p.find("label", contains="picked up where we left off"))
        self.end()

        p = self.start()
        p.get("list item", contains="You: " + question[:60])
        p.write("Thank you!")
        p.press("Send")
        self.wait_for_end(p, "Thank you!")
        said = text_of(p.get("label", contains="picked up where we left off ("))
        restored = number(re.search(r"left off \(([\d,]+) tokens\)", said)[1])
        self.assertGreaterEqual(restored, 64)
        p.screenshot("picked-up")
        self.end()

        # Another chat that begins the same saves the reading as well, but did not leave off anywhere.
        p = self.start()
        p.press("New chat")
        p.get("label", "New Chat")
        self.ask(p, question)
        wait_for("what was reused", lambda: any("reused" in d for d in p.details()))
        self.assertIsNone(p.find("label", contains="picked up where we left off"))
        self.end()

    def test_97_broken_template(self):
        folder = os.path.join(TMP, "template")
        os.makedirs(folder)
        model = os.path.join(folder, "template.gguf")
        shutil.copy(os.path.join(FIXTURES, "a-text-f16.gguf"), model)
        break_template(model)
        p = self.start(model=model)
        said = text_of(p.get("label", contains="the chat template cannot be used: "))
        self.assertTrue(said.endswith(" is assumed"), said)
        p.get("push button", "Choose Model")
        # What is said later does not hide it.
        odd = os.path.join(TMP, "template.bin")
        with open(odd, "wb") as f:
            f.write(b"abc\0def")
        self.drop_file(p, odd)
        p.get("label", contains="“template.bin” cannot be read")
        p.get("label", contains="the chat template cannot be used: ")
        p.screenshot("broken-template")
        self.end()

    def test_98_pasted_picture_costs(self):
        picture = os.path.join(TMP, "pasted.png")
        run("convert", "-size", "300x200", "xc:white", "-fill", "#d03030", "-draw",
            "circle 150,100 150,40", picture)
        p = self.start(picture)
        p.get(contains="Remove pasted.png")

        def costs():
            return [text_of(n) for n in p.find_all("label") if re.match(r"[\d,]+ tokens$", text_of(n))]
        wait_for("the file's cost", lambda: len(costs()) == 1)
        with open(picture, "rb") as f:
            p.paste("image/png", f.read(), "the picture", lambda: p.find(contains="Remove Pasted picture"))
        wait_for("the pasted one's cost", lambda: len(costs()) == 2)
        self.assertEqual(*costs())
        p.screenshot("pasted-cost")
        # Nothing of it is left lying around.
        self.assertEqual(glob.glob(os.path.join(RUNTIME, "longwave-*")), [])
        self.end()

    def test_99_full_context(self):
        set_key("context-tokens", 256)
        p = self.start()
        p.press("New chat")
        p.get("label", "New Chat")
        question = "Sum: " + " ".join(str(i) for i in range(200))
        p.write(question)
        p.press("Send")
        p.get("label", contains="the context holds 256")
        # Said once, and what can be done in the words of the window.
        self.assertEqual(len(p.find_all("label", contains="the context holds")), 1)
        p.get("label", "A larger context would hold it.")
        # Nothing is cut, nothing is lost.
        wait_for("the question back in the field", lambda: text_of(p.question()) == question)
        p.get("push button", "New Chat")
        self.assertIsNone(p.find("push button", "8-Bit Context"))
        p.screenshot("full-context")
        p.press("Larger Context")
        said = text_of(p.get("label", contains="The next answer has a context of "))
        larger = number(re.search(r"([\d,]+) tokens", said)[1])
        self.assertGreater(larger, 512)
        p.press("Send")
        self.wait_for_end(p, "Sum: 0 1 2 3")
        prompt = wait_for("how long the prompt was", p.details)[-1]
        self.assertGreater(number(re.search(r"([\d,]+) prompt tokens", prompt)[1]), 256)
        self.assertLess(number(re.search(r"([\d,]+) prompt tokens", prompt)[1]), larger)
        self.end()
        # Other tests have the whole context.
        set_key("context-tokens", 0)


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    program = unittest.main(exit=False, verbosity=2)
    sys.exit(0 if program.result.wasSuccessful() else 1)
