# SPDX-License-Identifier: GPL-3.0-or-later
"""The window from outside: drop, ask, stop, restart, find again, fail without losing anything."""

import glob
import os
import re
import shutil
import subprocess
import sys
import unittest

from desktop import Atspi, Missing, WindowTest, press, pressed, role, run, showing, text_of, wait_for, walk
from endless_model import make_endless

TMP = os.environ["TMPDIR"]
FIXTURES = os.environ["LW_FIXTURES"]


def make_models():
    """Default: the one that comes with the program, else a tiny random one; both can see."""
    folder = os.path.join(TMP, "model")
    os.makedirs(folder)
    tiny = os.path.join(FIXTURES, "a-text-f16.gguf")
    vision = os.path.join(FIXTURES, "a-mmproj-f16.gguf")
    shutil.copy(tiny, os.path.join(folder, "tiny.gguf"))
    shutil.copy(vision, os.path.join(folder, "mmproj.gguf"))

    endless = os.path.join(TMP, "endless")
    os.makedirs(endless)
    # Slow enough (some 60 MB of weights) to be stopped by hand.
    slow = os.path.join(endless, "endless.gguf")
    run(sys.executable, os.environ["LW_MAKE_RANDOM"], "--preset", "0.5b", "--type", "q8_0", "--layers",
        "4", "--vocab", "2048", "--context", "16384", slow)
    make_endless(slow)

    own = [p for p in glob.glob(os.path.join(os.environ["LW_DEFAULT_MODEL_FOLDER"], "*.gguf"))
           if not os.path.basename(p).startswith("mmproj")]
    return {
        "default": own[0] if own else os.path.join(folder, "tiny.gguf"),
        "endless": os.path.join(endless, "endless.gguf"),
        "blind": os.path.join(endless, "endless.gguf"),
        "missing": os.path.join(TMP, "nowhere.gguf"),
        "real": bool(own),
    }


def make_picture():
    path = os.path.join(TMP, "red circle.png")
    run("convert", "-size", "320x240", "xc:white", "-fill", "#d03030", "-draw",
        "circle 160,120 160,50", path)
    return path


def make_film():
    path = os.path.join(TMP, "moving.mp4")
    run("ffmpeg", "-loglevel", "error",
        "-f", "lavfi", "-i", "color=c=white:size=336x336:rate=8:duration=40",
        "-f", "lavfi", "-i", "color=c=blue:size=84x84:rate=8:duration=40",
        "-filter_complex", "overlay=x=20+6*t:y=126", "-pix_fmt", "yuv420p", path)
    return path


class Window(WindowTest):
    """The tests share one home and run in the order of their names."""

    @classmethod
    def setUpClass(cls):
        cls.models = make_models()
        cls.picture = make_picture()
        cls.film = make_film()

    def start(self, model, *args, **environment):
        return self.launch(*args, LW_DEFAULT_MODEL=self.models[model], **environment)

    def answers(self, p):
        """Texts of the model's rows, in order."""
        rows = [n.get_name() for n in p.find_all("list item", contains="Longwave: ")]
        return [r[len("Longwave: "):] for r in rows]

    def wait_for_answer(self, p):
        wait_for("the answer to begin and end",
                 lambda: p.find("label", contains="tokens/s") and any(self.answers(p)))

    def drop_on_field(self, p, path):
        """Drag the file from another window onto the text field of this one: it must not arrive there as text."""
        source = self.drag(p.window, path)
        for x in range(1050, 590, -20):
            run("xdotool", "mousemove", str(x), str(380 + (1130 - x) // 2))
        wait_for("the sign that files can be dropped", lambda: p.find(name="Drop Files"))
        p.screenshot("drop")
        self.drop(source, 605, 682)

    def drop_text(self, p, text, arrived):
        """Marked in another program and dragged onto the field; again when nothing at all came of it."""
        path = os.path.join(TMP, "marked.txt")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        for deadline in (10, 10, 60):
            source = self.drag(p.window, "--text", path)
            for x in range(1050, 590, -20):
                run("xdotool", "mousemove", str(x), str(380 + (1130 - x) // 2))
            self.drop(source, 605, 682)
            try:
                return wait_for("the text", arrived, deadline)
            except Missing:
                if deadline == 60:
                    raise

    def test_11_drop_text(self):
        p = self.start("default")
        p.press("New chat")
        p.get("label", "New Chat")
        # A line that no text field can show between two frames, as when it is pasted.
        self.drop_text(p, "word " * 4001, lambda: p.find(contains="Remove Dropped text"))
        self.assertEqual(text_of(p.question()), "")
        p.screenshot("dropped-text")
        self.end()

    def test_12_paste_lines(self):
        """The field grows to hold a few lines that are pasted, and shows all of them."""
        text = "A puffin is a bird.\nA pike is a fish.\nNo."
        p = self.start("default")
        p.press("New chat")
        p.get("label", "New Chat")
        p.paste("UTF8_STRING", text.encode(), "the lines", lambda: text_of(p.question()) == text)

        def first_line_whole():
            box = Atspi.Component.get_extents(p.question(), Atspi.CoordType.WINDOW)
            p.screenshot("pasted-lines")
            path = os.path.join(os.environ["LW_SCREENSHOTS"], "pasted-lines.png")
            # The margin above it, where nothing but the ground is.
            colours = run("convert", path, "-crop", f"300x3+{box.x + 2}+{box.y}", "-format", "%k", "info:")
            return box.height > 50 and colours == "1"
        wait_for("the field to be scrolled to its beginning", first_line_whole)
        self.end()

    def limit_context(self, tokens):
        folder = os.path.join(os.environ["XDG_CONFIG_HOME"], "glib-2.0", "settings")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "keyfile"), "a") as f:
            f.write(f"[io/github/longwave/Longwave]\ncontext-tokens={tokens}\n")

    def test_1_drop_a_picture_and_ask(self):
        self.limit_context(4096)  # less than the film of below takes
        p = self.start("default")
        p.screenshot("empty")
        self.drop_on_field(p, self.picture)
        p.get(contains="Remove red circle.png")
        self.assertEqual(text_of(p.question()), "")
        p.write("What is in this picture?")
        p.screenshot("composer")
        p.key("Return")
        self.wait_for_answer(p)
        self.assertEqual(text_of(p.question()), "")
        p.get(contains="Picture red circle.png")
        p.get("list item", contains="You: What is in this picture?")
        p.get("list item", name="What is in this picture?")
        if self.models["real"]:
            self.assertIn("red circle", self.answers(p)[0])
        p.screenshot("answer")

        # The second turn, and a film from the keyboard's clipboard.
        uri = "file://" + self.film.replace(" ", "%20")
        p.paste("text/uri-list", f"{uri}\r\n".encode(), "the film", lambda: p.find(contains="Remove moving.mp4"))
        p.write("What colour is the square?")
        p.press("Send")
        p.get("list item", contains="You: What colour is the square?")
        wait_for("the second answer", lambda: len([a for a in self.answers(p) if a]) == 2
                 and len(p.find_all("label", contains="tokens/s")) >= 1 and p.find(name="Send"))
        wait_for("what was reused of the first turn",
                 lambda: any("prompt tokens reused" in d for d in p.details()))
        if self.models["real"]:
            self.assertIn("blue", self.answers(p)[1])       # the circle of the picture is red
            # The film is longer than the context has room for, and that is said.
            p.get("label", contains="do not fit the context")
        p.screenshot("second-turn")
        self.end()

    def test_2_stop_keeps_the_text(self):
        p = self.start("endless")
        p.get("list item", name="What is in this picture?")
        self.new_chat(p)
        p.write("Tell me a very long story about the sea and the ships on it, please")
        p.press("Send")
        wait_for("the answer to begin", lambda: any(len(t) > 40 for t in self.label_texts(p)))
        p.screenshot("writing")
        p.press("Stop")
        p.get("label", contains="Stopped")
        p.get(name="Send")
        stopped = self.answers(p)[-1]
        self.assertGreater(len(stopped), 40)
        p.screenshot("stopped")

        # Killed in the middle of another one, what was written a second before is kept.
        self.new_chat(p)
        p.write("Another one")
        p.press("Send")
        wait_for("the other answer to begin", lambda: any(len(t) > 40 for t in self.label_texts(p)))
        self.wait_until_saved()
        p.kill()
        Window.stopped = stopped

    def new_chat(self, p):
        p.press("New chat")
        p.get("label", "New Chat")

    def label_texts(self, p):
        chat = p.get("list", "Messages")
        return [text_of(n) for n in self.labels_below(chat)]

    def labels_below(self, node):
        return [n for n in walk(node) if role(n) == "label"]

    def wait_until_saved(self):
        import sqlite3
        path = os.path.join(os.environ["XDG_DATA_HOME"], "longwave", "longwave.db")

        def saved():
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20) as db:
                row = db.execute("SELECT length(text) FROM messages WHERE state = 1").fetchone()
            return row and row[0] > 40
        wait_for("the unfinished answer in the database", saved)

    def test_3_restart_and_find(self):
        p = self.start("default", ADW_DEBUG_COLOR_SCHEME="prefer-dark")
        # The chat that was open last is open again, with what it had.
        p.get("list item", contains="You: Another one")
        p.get("label", contains="Interrupted")
        p.screenshot("dark-interrupted")
        row = p.get("list item", contains="Tell me a very long story")
        p.select(row)
        wait_for("the stopped answer", lambda: self.answers(p)[-1:] == [Window.stopped])
        row = p.get("list item", name="What is in this picture?")
        p.select(row)
        p.get("list item", contains="You: What is in this picture?")
        p.get(contains="Film moving.mp4")
        p.screenshot("dark")
        self.end()

    def test_4_errors_lose_nothing(self):
        p = self.start("missing")
        p.get(contains="nowhere.gguf")
        self.new_chat(p)
        p.write("This must not get lost")
        p.press("Send")
        p.get("label", contains="nowhere.gguf")
        wait_for("the question back in the field",
                 lambda: text_of(p.question()) == "This must not get lost")
        self.assertIsNone(p.find("list item", name="This must not get lost"))
        p.screenshot("error")
        self.end()

        p = self.start("blind", self.picture)
        p.get(contains="Remove red circle.png")
        p.write("Look at this")
        p.press("Send")
        p.get("label", contains="cannot see")
        wait_for("the question back", lambda: text_of(p.question()) == "Look at this")
        p.get(contains="Remove red circle.png")
        p.get(name="Choose Model")
        p.screenshot("error-blind")

        # A file that is no picture is refused at once, what was written stays.
        text = os.path.join(TMP, "notes.png")
        with open(text, "w") as f:
            f.write("not a picture")
        subprocess.run([os.environ["LW_APP"], text], check=True, timeout=60)
        wait_for("the refusal", lambda: p.find("label", contains="notes.png"))
        self.assertEqual(text_of(p.question()), "Look at this")
        self.end()

    def test_5_rename_delete_undo(self):
        p = self.start("default")
        # The last of the list is the oldest.
        self.chat_menu(p, "What is in this picture?", "Rename…")
        p.get(contains="Rename Chat")
        p.type_over("The red circle", "Return")
        p.get("list item", "The red circle")
        self.chat_menu(p, "The red circle", "Delete")
        p.press("Undo")
        p.get("list item", "The red circle")
        self.chat_menu(p, "Another one", "Delete")
        wait_for("it to be gone", lambda: not p.find("list item", "Another one"))
        p.screenshot("deleted")

        p.press("Choose a model")
        models = p.get("list", "Models")
        wait_for("the models to be listed", lambda: any(role(n) == "list item" for n in walk(models)))
        p.get("push button", "Manage models")
        p.screenshot("models", whole=True)
        p.key("Escape")
        self.end()

        p = self.start("default")
        p.get("list item", "The red circle")
        self.assertIsNone(p.find("list item", "Another one"))
        self.end()

    def chat_menu(self, p, title, item):
        row = p.get("list item", title)
        button = next(n for n in walk(row) if role(n) == "push button"
                      and n.get_name() == "Chat menu" and press(n))
        self.assertIsNotNone(button)
        entry = wait_for(f"the menu item {item}", lambda: next(
            (n for n in walk(row) if role(n) == "menu item" and n.get_name() == item
             and showing(n)), None))
        self.assertTrue(press(entry))

    def test_6_narrow(self):
        folder = os.path.join(os.environ["XDG_CONFIG_HOME"], "glib-2.0", "settings")
        path = os.path.join(folder, "keyfile")
        lines = open(path).read()
        lines = re.sub(r"window-width=\d+", "window-width=360", lines)
        lines = re.sub(r"window-height=\d+", "window-height=640", lines)
        open(path, "w").write(lines)
        p = self.start("default")
        size = run("xdotool", "getwindowgeometry", "--shell", p.window)
        width = int(re.search(r"WIDTH=(\d+)", size)[1])
        self.assertLessEqual(width, 380)  # 360 and the frame
        p.screenshot("narrow")
        self.assertFalse(pressed(p.get("push button", "Show chats")), "the sidebar is folded away")
        p.key("F9")
        wait_for("the sidebar", lambda: pressed(p.get("push button", "Show chats")))
        p.get("list item", name="The red circle")
        p.screenshot("narrow-sidebar")
        p.key("F9")
        p.key("F10")
        p.get(contains="About Longwave")
        p.key("Escape")
        self.end()


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    program = unittest.main(exit=False, verbosity=2)
    sys.exit(0 if program.result.wasSuccessful() else 1)
