# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera, and what goes wrong around the window: nothing is lost, and work goes on where it can."""

import glob
import os
import re
import shutil
import subprocess
import sys
import unittest
import unittest.mock

from desktop import Atspi, Program, WindowTest, name_places, press, role, run, showing, text_of, wait_for, walk
from answering import make_model, make_slow_model
import store

TMP = os.environ["TMPDIR"]


class Robust(WindowTest):
    """The tests share one home and run in the order of their names."""

    @classmethod
    def setUpClass(cls):
        cls.model = make_model()
        p = Program(LW_DEFAULT_MODEL=cls.model)
        assert p.quit() == 0

    def start(self, *args, model=None, **environment):
        return self.launch(*args, LW_DEFAULT_MODEL=model or self.model, **environment)

    def menu_item(self, p, button, item):
        p.press(button)
        self.assertTrue(press(wait_for(f"the menu item {item}", lambda: p.find("menu item", item))))

    # -- The camera --

    def camera_threads(self, p):
        """There is one exactly while a camera is in use."""
        return [name for name in self.thread_names(p) if name == "lw-camera"]

    def thread_names(self, p):
        names = []
        for path in glob.glob(f"/proc/{p.process.pid}/task/*/comm"):
            try:
                with open(path) as f:
                    names.append(f.read().strip())
            except OSError:  # it has ended
                pass
        return names

    def need_camera(self, p):
        if p.find("label", contains="built without GStreamer"):
            self.end()
            self.skipTest("built without GStreamer")

    def test_1_photo(self):
        p = self.start(LW_CAMERA="videotestsrc is-live=true pattern=ball;videotestsrc is-live=true pattern=red")
        self.assertEqual(self.camera_threads(p), [])
        self.menu_item(p, "Attach", "Take a Photo…")
        wait_for("the dialog", lambda: p.find("push button", "Take Photo")
                 or p.find("label", contains="built without GStreamer"))
        self.need_camera(p)
        p.get(contains="What the camera sees")
        # That it is on is said, and it is on for this only.
        p.get("label", contains="The camera is on")
        self.assertEqual(self.camera_threads(p), ["lw-camera"])
        p.screenshot("camera", whole=True)
        p.press("Take Photo")
        p.get(contains="Photo")
        wait_for("the camera to be off", lambda: self.camera_threads(p) == [])
        self.assertIsNone(p.find("label", contains="The camera is on"))
        p.screenshot("photo", whole=True)

        # Another one, of the other camera.
        p.press("Take Another")
        p.get("label", contains="The camera is on")
        chooser = p.get("combo box", "Camera")
        self.assertTrue(press(next(n for n in walk(chooser) if press(n))))
        p.select(wait_for("the other camera", lambda: next(
            (n for n in p.find_all("list item") if any("pattern=red" in text_of(t) for t in walk(n)
                                                       if role(t) == "label")), None)))
        wait_for("one camera", lambda: self.camera_threads(p) == ["lw-camera"])
        p.get(contains="What the camera sees")
        p.press("Take Photo")
        p.press("Attach Photo")
        p.get(contains="Remove Photo")
        wait_for("the photo's cost", lambda: any(re.match(r"[\d,]+ tokens$", text_of(n))
                                                 for n in p.find_all("label")))
        self.assertEqual(self.camera_threads(p), [])
        p.screenshot("photo-attached")
        p.write("What is this?")
        p.press("Send")
        p.get("list item", contains="You: What is this?")
        p.get("push button", contains="Picture Photo")
        wait_for("the answer", lambda: p.find("push button", "Send")
                 and p.find("list item", contains="Longwave: "))
        self.end()
        with store.connect() as db:
            kept = db.execute("SELECT file FROM attachments WHERE label = 'Photo'").fetchone()[0]
        path = glob.glob(os.path.join(os.path.dirname(store.PATH), "**", kept), recursive=True)[0]
        self.assertEqual(run("convert", path, "-scale", "1x1!", "-format",
                             "%[fx:int(255*r)] %[fx:int(255*g)] %[fx:int(255*b)]", "info:"), "255 0 0")

    def test_2_no_photo(self):
        p = self.start(LW_CAMERA="")
        self.menu_item(p, "Attach", "Take a Photo…")
        wait_for("why not", lambda: p.find("label", contains="No camera was found")
                 or p.find("label", contains="built without GStreamer"))
        self.need_camera(p)
        self.assertIsNone(p.find("push button", "Take Photo"))
        p.press("Try Again")
        p.get("label", contains="No camera was found")
        p.screenshot("no-camera", whole=True)
        self.assertEqual(self.camera_threads(p), [])
        self.end_by_signal()

        # A plug-in is missing, the camera breaks, the camera cannot be opened.
        for source, problem in [("nosuchplugin", "not installed: no element \"nosuchplugin\""),
                                ("videotestsrc num-buffers=20 ! identity error-after=10", "."),
                                ("filesrc location=/nonexistent", "not found")]:
            p = self.start(LW_CAMERA=source)
            self.menu_item(p, "Attach", "Take a Photo…")
            p.get(contains="No Photo Can Be Taken")
            p.get("label", contains=problem)
            wait_for("the camera to be off", lambda: self.camera_threads(p) == [])
            self.end_by_signal()

        # Closing it switches the camera off.
        p = self.start(LW_CAMERA="videotestsrc is-live=true")
        self.menu_item(p, "Attach", "Take a Photo…")
        p.get("label", contains="The camera is on")
        self.assertEqual(self.camera_threads(p), ["lw-camera"])
        p.press("Close")
        wait_for("the camera to be off", lambda: self.camera_threads(p) == [])
        self.assertIsNone(p.find(contains="Remove Photo"))
        self.end_by_signal()

    # -- The device that computes --

    def test_3_device_gone(self):
        slow = make_slow_model()
        p = self.start(model=slow, LW_FRAIL_DEVICE="40")
        p.press("New chat")
        p.get("label", "New Chat")
        p.write("Tell me a long story")
        p.press("Send")
        p.get("label", contains="What computed the answer has failed")
        p.get("push button", "Send")
        p.get("label", contains="Stopped")
        kept = self.answer(p)
        self.assertGreater(len(kept), 20)
        p.screenshot("device-gone")
        # Work goes on where it was, by the processor.
        item = p.get("list item", contains="Longwave: ")
        self.assertTrue(any(press(n) for n in walk(item) if n.get_name() == "Go on writing" and showing(n)))
        wait_for("it to grow", lambda: len("".join(self.texts(p))) > 2 * len(kept) + 200)
        p.press("Stop")
        p.get("push button", "Send")
        wait_for("it to be one text", lambda: self.answer(p).startswith(kept[:20])
                 and len(self.answer(p)) > len(kept))
        self.assertIsNone(p.find("label", contains="What computed the answer has failed"))
        self.end()
        with store.connect() as db:
            text = db.execute("SELECT text FROM messages WHERE role = 2 ORDER BY rowid DESC").fetchone()[0]
        self.assertTrue(text.startswith(kept[:20]))

    def texts(self, p):
        return [text_of(n) for n in walk(p.get("list", "Messages")) if role(n) == "label"]

    def answer(self, p):
        rows = p.find_all("list item", contains="Longwave: ")
        return rows[-1].get_name()[len("Longwave: "):] if rows else ""

    def test_31_device_gone_at_once(self):
        p = self.start(LW_FRAIL_DEVICE="0")
        p.press("New chat")
        p.get("label", "New Chat")
        p.write("Hello there, who are you?")
        p.press("Send")
        p.get("label", contains="What computed the answer has failed")
        wait_for("the question back in the field", lambda: text_of(p.question()) == "Hello there, who are you?")
        p.press("Send")
        p.get("list item", contains="You: Hello there")
        wait_for("the answer", lambda: p.find("push button", "Send") and self.answer(p))
        self.assertIsNone(p.find("label", contains="What computed the answer has failed"))
        self.end()

    # -- A home that cannot be written --

    READ_ONLY = """
        set -e
        for folder in "$XDG_DATA_HOME" "$XDG_CONFIG_HOME" "$XDG_CACHE_HOME"; do
          mount --bind "$folder" "$folder"
          mount -o remount,bind,ro "$folder"
        done
        exec "$@"
        """

    def read_only(self):
        """Permissions do not bind root, so that the folders are mounted read-only, for the program alone."""
        wrapper = ["unshare", "-m", "sh", "-c", self.READ_ONLY, "sh"]
        tried = subprocess.run([*wrapper, "sh", "-c", 'touch "$XDG_DATA_HOME/written"'], capture_output=True)
        if b"Read-only" not in tried.stderr:
            self.skipTest("folders cannot be mounted read-only here")
        return wrapper

    def ask(self, p, text):
        p.write(text)
        p.press("Send")
        p.get("list item", contains="You: " + text)
        wait_for("the answer", lambda: p.find("push button", "Send") and self.answer(p))

    def ask_once(self, question):
        p = self.start()
        p.press("New chat")
        p.get("label", "New Chat")
        self.ask(p, question)
        self.end()

    def questions(self):
        with store.connect() as db:
            return [t for t, in db.execute("SELECT text FROM messages WHERE role = 1 ORDER BY rowid")]

    def test_4_read_only_home(self):
        wrapper = self.read_only()
        self.ask_once("Hello there, who are you?")
        p = self.start(wrapper=wrapper)
        p.get("label", contains="Conversations cannot be saved at the moment")
        p.screenshot("read-only")
        # What was there is there, and can be gone on with.
        p.get("list item", contains="You: Hello there, who are you?")
        p.press("New chat")
        p.get("label", "New Chat")
        self.ask(p, "What is not saved?")
        p.get("label", contains="Conversations cannot be saved at the moment")
        p.select(p.get("list item", "Hello there, who are you?"))
        p.get("list item", contains="You: Hello there, who are you?")
        p.select(p.get("list item", "What is not saved?"))
        p.get("list item", contains="You: What is not saved?")
        self.assertNotIn("What is not saved?", self.questions())
        # A picture, of a file and without one, is looked at all the same.
        self.ask_about_pictures(p)
        p.get("label", contains="Conversations cannot be saved at the moment")
        p.screenshot("read-only-picture")
        # It becomes writable: what was said meanwhile is saved.
        for folder in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"]:
            run("nsenter", "-t", str(p.process.pid), "-m", "mount", "-o", "remount,bind,rw",
                os.environ[folder])
        p.get("label", contains="Saving works again")
        wait_for("it to be saved", lambda: "What is not saved?" in self.questions())
        wait_for("the pictures to be saved", lambda: {"Pasted picture", "square.png"} <= self.saved_pictures())
        self.end()
        p = self.start()
        p.select(p.get("list item", "What are these?"))
        p.get("push button", contains="Picture square.png")
        p.get("push button", contains="Picture Pasted picture")
        self.end()

    def ask_about_pictures(self, p):
        picture = os.path.join(TMP, "square.png")
        run("convert", "-size", "112x112", "xc:white", "-fill", "red", "-draw", "rectangle 30,30 80,80", picture)
        p.press("New chat")
        p.get("label", "New Chat")
        run(os.environ["LW_APP"], picture)
        p.get(contains="Remove square.png")
        with open(picture, "rb") as f:
            p.paste("image/png", f.read(), "the picture", lambda: p.find(contains="Remove Pasted picture"))
        wait_for("what they cost", lambda: len([n for n in p.find_all("label")
                                                if re.match(r"[\d,]+ tokens$", text_of(n))]) == 2)
        self.ask(p, "What are these?")
        p.get("push button", contains="Picture square.png")

    def saved_pictures(self):
        """Labels of those whose copy is there."""
        with store.connect() as db:
            rows = db.execute("SELECT label, file FROM attachments WHERE copied").fetchall()
        return {label for label, file in rows
                if glob.glob(os.path.join(os.path.dirname(store.PATH), "**", file), recursive=True)}

    def test_41_read_only_from_the_start(self):
        wrapper = self.read_only()
        os.rename(os.path.dirname(store.PATH), os.path.dirname(store.PATH) + ".away")
        self.addCleanup(os.rename, os.path.dirname(store.PATH) + ".away", os.path.dirname(store.PATH))
        p = self.start(wrapper=wrapper)
        p.get("label", contains="longwave: cannot be created: Read-only file system")
        self.ask(p, "Hello there, who are you?")
        p.get("label", contains="Conversations cannot be saved at the moment")
        self.assertEqual(len(p.find_all("label", contains="cannot be created")), 1)
        self.ask_about_pictures(p)
        self.end()

    # -- A file of chats that is damaged --

    def make_damaged_home(self, damage):
        """A copy of the data folder of this moment, in which damage() has been done to the file with the chats."""
        home = os.path.join(TMP, self._testMethodName)
        database = os.path.join(home, "longwave", os.path.basename(store.PATH))
        shutil.copytree(os.path.dirname(store.PATH), os.path.dirname(database))
        # All is in the one file: a log would heal the damage.
        self.assertFalse(os.path.exists(database + "-wal"))
        with open(database, "r+b") as f:
            damage(f)
        with open(database, "rb") as f:
            return home, database, f.read()

    def test_42_damaged_chats(self):
        self.ask_once("Hello there, who are you?")
        home, database, damaged = self.make_damaged_home(lambda f: f.write(b"Z" * 100))
        p = self.start(XDG_DATA_HOME=home)
        said = text_of(p.get("label", contains="The file with the chats is damaged. It was kept as"))
        p.screenshot("damaged-chats")
        kept = glob.glob(database + ".damaged-*")
        self.assertEqual(len(kept), 1)
        self.assertIn(kept[0], said)
        # A new chat can be asked, and is there after a restart.
        self.ask(p, "What is saved now?")
        self.end()
        p = self.start(XDG_DATA_HOME=home)
        p.select(p.get("list item", "What is saved now?"))
        p.get("list item", contains="You: What is saved now?")
        wait_for("the answer", lambda: self.answer(p))
        self.assertIsNone(p.find("label", contains="damaged"))
        self.end()
        with open(kept[0], "rb") as f:
            self.assertEqual(f.read(), damaged)

    def test_43_chats_damaged_in_one_place(self):
        """The damage shows when a chat is opened; the chats are there all the same."""
        self.ask_once("Which of these is damaged?")
        with store.connect() as db:
            page, = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'messages_by_conversation'").fetchone()
            size, = db.execute("PRAGMA page_size").fetchone()
            chats, = db.execute("SELECT count(*) FROM conversations WHERE NOT binned").fetchone()

        def damage(f):
            f.seek((page - 1) * size)
            f.write(b"Z" * size)
        home, database, _ = self.make_damaged_home(damage)
        p = self.start(XDG_DATA_HOME=home)
        said = text_of(p.get("label", contains="The file with the chats is damaged. It was kept as"))
        self.assertIn(f"what can be read of {chats} chat", said)
        kept = glob.glob(database + ".damaged-*[0-9]")
        self.assertEqual(len(kept), 1)
        self.assertIn(kept[0], said)
        p.get("list item", contains="You: Which of these is damaged?")
        p.screenshot("damaged-in-one-place")
        p.press("New chat")
        p.get("label", "New Chat")
        self.ask(p, "What is saved now?")
        self.end()
        p = self.start(XDG_DATA_HOME=home)
        for question in "Which of these is damaged?", "What is saved now?":
            p.select(p.get("list item", question))
            p.get("list item", contains="You: " + question)
            wait_for("the answer", lambda: self.answer(p))
        self.assertIsNone(p.find("label", contains="damaged. It"))
        self.end()

    # -- Films --

    def test_45_films_that_cannot_be_played(self):
        film = os.path.join(TMP, "short.mp4")
        run("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i",
            "testsrc=size=320x240:rate=10:duration=2", "-pix_fmt", "yuv420p", film)
        # What reads its format is missing, then all of GStreamer's plug-ins are.
        for missing, said in [({"GST_PLUGIN_FEATURE_RANK":
                                "qtdemux:NONE,avdemux_mov,mp4,m4a,3gp,3g2,mj2:NONE,matroskademux:NONE"},
                               "cannot be played here"),
                              ({"GST_PLUGIN_SYSTEM_PATH_1_0": TMP, "GST_REGISTRY": os.path.join(TMP, "none")},
                               "not installed: playbin")]:
            p = self.start(film, **missing)
            p.get(contains="Remove short.mp4")
            p.write("What is this?")
            p.press("Send")
            p.get("list item", contains="You: What is this?")
            wait_for("the answer", lambda: p.find("push button", "Send") and self.answer(p))
            tile = wait_for("the film", lambda: p.find("push button", contains="Film short.mp4"))
            self.assertTrue(press(tile))
            p.get("label", contains=said)
            p.get(name="Open in another program")
            p.screenshot("film-problem", whole=True)
            run("xdotool", "key", "Escape")
            wait_for("it to be closed", lambda: not p.find(name="Open in another program"))
            self.end()

    # -- More windows, and deleting while an answer is written --

    def frames(self, p):
        return [f for f in (p.app.get_child_at_index(i) for i in range(p.app.get_child_count()))
                if f and role(f) == "frame"]

    def in_frame(self, frame, wanted, contains):
        return [n for n in walk(frame) if role(n) == wanted and contains in (n.get_name() or "") and showing(n)]

    def second_window(self, p):
        run(os.environ["LW_APP"], "--new-window")
        return wait_for("a second window", lambda: len(self.frames(p)) == 2 and all(
            self.in_frame(f, "text", "Question") for f in self.frames(p)) and self.frames(p))

    def press_in(self, frame, name):
        wait_for(f"the button {name}", lambda: any(press(n) for n in self.in_frame(frame, "push button", name)))

    def test_7_two_windows_with_one_chat(self):
        p = self.start(model=make_slow_model())
        p.press("New chat")
        p.get("label", "New Chat")
        first, second = self.second_window(p)
        field = self.in_frame(first, "text", "Question")[0]
        Atspi.EditableText.insert_text(field, 0, "Tell both of us a story", 23)
        self.press_in(first, "Send")

        def shown(frame):
            # A long paragraph is several labels, the last of which grows.
            texts = [text_of(n) for n in walk(frame) if role(n) == "label"]
            return "".join(t for t in texts if len(t) > 60)
        # It is in the other window's list at once; there it is shown while it is written.
        row = wait_for("the chat in the other window", lambda: next(iter(
            self.in_frame(second, "list item", "Tell both of us a story")), None))
        wait_for("the answer", lambda: len(shown(first)) > 60)
        p.select(row)
        wait_for("the answer in both", lambda: len(shown(second)) > 60)
        # A row that comes to show an answer in the middle of it is named as well.
        wait_for("its name", lambda: any(n.get_name().startswith("Longwave: ") for n in walk(second)
                                         if role(n) == "list item"))
        begun = wait_for("its text", lambda: len(shown(second)))
        wait_for("it to grow in the second", lambda: len(shown(second)) > begun + 40)
        p.screenshot("two-windows", whole=True)
        # Stopped in the second, it is stopped in the first.
        self.press_in(second, "Stop")
        wait_for("the end in both", lambda: self.in_frame(first, "push button", "Send")
                 and self.in_frame(second, "push button", "Send"))
        wait_for("the same text in both", lambda: shown(first) == shown(second))
        # Closing one leaves the other's answer alone.
        self.press_in(second, "Go on writing")
        wait_for("it to be written", lambda: self.in_frame(first, "push button", "Stop"))
        self.press_in(second, "Close")
        p.wait_for_one_window()
        before = wait_for("its text", lambda: len(shown(first)))
        wait_for("it to go on", lambda: len(shown(first)) > before)
        self.assertTrue(self.in_frame(first, "push button", "Stop"))
        self.press_in(first, "Stop")
        wait_for("the end", lambda: self.in_frame(first, "push button", "Send"))
        self.end_by_signal()
        with store.connect() as db:
            rows = db.execute("SELECT m.role, m.state FROM messages m JOIN messages q ON q.conversation ="
                              " m.conversation WHERE q.text = 'Tell both of us a story'"
                              " ORDER BY m.position").fetchall()
        # One question, one answer, no branches.
        self.assertEqual([r for r, _ in rows], [1, 2])

    def test_7a_deleted_in_the_other_window(self):
        p = self.start(model=make_slow_model())
        first, second = self.second_window(p)
        for frame in first, second:
            p.select(wait_for("the chat", lambda: next(iter(
                self.in_frame(frame, "list item", "Tell both of us a story")), None)))
            # The question may be above what a long answer leaves in sight.
            wait_for("its messages", lambda: self.in_frame(frame, "list item", "Longwave: "))
        wait_for("the chat's menu", lambda: any(
            n.get_name() == "Chat menu" and press(n) for row in self.in_frame(second, "list item", "Tell both")
            for n in walk(row) if role(n) == "push button"))
        self.assertTrue(press(wait_for("the menu item", lambda: next(
            (n for n in walk(second) if role(n) == "menu item" and n.get_name() == "Delete" and showing(n)),
            None))))
        for frame in first, second:
            wait_for("it to be gone", lambda: not self.in_frame(frame, "list item", "Tell both")
                     and not self.in_frame(frame, "list item", "Longwave: "))
        self.end_by_signal()

    def ask_in(self, frame, text):
        field = wait_for("the field", lambda: self.in_frame(frame, "text", "Question"))[0]
        Atspi.EditableText.insert_text(field, 0, text, len(text.encode()))
        self.press_in(frame, "Send")

    def longest_in(self, frame):
        return max((len(text_of(n)) for n in walk(frame) if role(n) == "label"), default=0)

    def delete_in(self, frame, title):
        wait_for("the chat's menu", lambda: any(
            n.get_name() == "Chat menu" and press(n) for row in self.in_frame(frame, "list item", title)
            for n in walk(row) if role(n) == "push button"))
        self.assertTrue(press(wait_for("the menu item", lambda: next(
            (n for n in walk(frame) if role(n) == "menu item" and n.get_name() == "Delete" and showing(n)), None))))

    def test_7b_two_chats_in_two_windows(self):
        p = self.start(model=make_slow_model())
        p.press("New chat")
        p.get("label", "New Chat")
        first, second = self.second_window(p)
        self.press_in(second, "New chat")
        self.ask_in(first, "Tell me about the amber coast")
        wait_for("the answer", lambda: self.longest_in(first) > 60)
        # One computes at a time: the other says what it waits for.
        self.ask_in(second, "Tell me about the birch valley")
        wait_for("it to wait", lambda: self.in_frame(second, "label", "Waiting for another answer"))
        p.screenshot("two-chats", whole=True)
        # Its window closed, the first answer goes on, and is stopped in the window that is left.
        self.press_in(first, "Close")
        p.wait_for_one_window()
        p.select(wait_for("the first chat", lambda: next(iter(
            self.in_frame(second, "list item", "Tell me about the amber coast")), None)))
        wait_for("its answer", lambda: self.longest_in(second) > 60)
        before = self.longest_in(second)
        wait_for("it to go on", lambda: self.longest_in(second) > before)
        self.press_in(second, "Stop")
        wait_for("its end", lambda: self.in_frame(second, "label", "Stopped"))
        p.select(wait_for("the second chat", lambda: next(iter(
            self.in_frame(second, "list item", "Tell me about the birch valley")), None)))
        wait_for("the second answer", lambda: self.longest_in(second) > 60
                 and not self.in_frame(second, "label", "Waiting"))
        # Deleted in another window while it is written, it is stopped and gone from both.
        third = next(f for f in self.second_window(p) if f != second)
        self.delete_in(third, "Tell me about the birch valley")
        wait_for("it to be gone from both", lambda: not any(
            self.in_frame(f, "list item", "birch valley") or self.in_frame(f, "push button", "Stop")
            for f in self.frames(p)))
        p.screenshot("deleted-while-written", whole=True)
        # Brought back, it has what was written.
        self.press_in(third, "Undo")
        p.select(wait_for("the chat", lambda: next(iter(
            self.in_frame(third, "list item", "Tell me about the birch valley")), None)))
        wait_for("what was written", lambda: self.longest_in(third) > 60)
        wait_for("nobody to write", lambda: not any(self.in_frame(f, "push button", "Stop") for f in self.frames(p)))
        self.end_by_signal()
        with store.connect() as db:
            for place in "amber coast", "birch valley":
                roles = [r for r, in db.execute("SELECT m.role FROM messages m JOIN messages q ON q.conversation ="
                                                " m.conversation WHERE q.text LIKE ? ORDER BY m.position",
                                                ("%" + place,))]
                self.assertEqual(roles, [1, 2])

    def test_8_delete_all_while_an_answer_is_written(self):
        p = self.start(model=make_slow_model())
        p.press("New chat")
        p.get("label", "New Chat")
        p.write("Tell me about the marmalade forest")
        p.press("Send")
        wait_for("the answer", lambda: any(len(t) > 60 for t in self.texts(p)))
        p.key("ctrl+comma")
        wait_for("the preferences", lambda: p.find(name="Storage and Privacy") or p.find(contains="Delete All Chats"))
        if not p.find("push button", contains="Delete All Chats"):
            page = wait_for("the page", lambda: p.find_all(name="Storage and Privacy"))
            self.assertTrue(any(press(n) for node in page for n in walk(node)))
        p.press("Delete All Chats…")
        p.press("Delete All")
        wait_for("none listed", lambda: not p.find("list item", contains="marmalade"))
        wait_for("nothing to be written", lambda: not p.find("push button", "Stop"))
        wait_for("the chats to be gone", lambda: self.counts() == (0, 0))
        self.end_by_signal()
        # What ended afterwards has left nothing.
        self.assertEqual(self.counts(), (0, 0))
        for folder in os.environ["XDG_DATA_HOME"], os.environ["XDG_CACHE_HOME"]:
            for path in glob.glob(os.path.join(folder, "longwave", "**"), recursive=True):
                if os.path.isfile(path):
                    with open(path, "rb") as f:
                        self.assertNotIn(b"marmalade", f.read(), path)
        left = [n for n in glob.glob(os.path.join(os.environ["XDG_CACHE_HOME"], "longwave", "kv", "**"),
                                     recursive=True) if os.path.isfile(n) and os.path.getsize(n)]
        self.assertEqual(left, [])

    def counts(self):
        with store.connect() as db:
            return tuple(db.execute(f"SELECT count(*) FROM {t}").fetchone()[0]
                         for t in ("conversations", "messages"))

    def test_81_quit_while_answers_are_written(self):
        """One is written out of sight, another waits for it and says so; quitting keeps both and complains of
        nothing."""
        model = make_slow_model()
        p = self.start(model=model, LW_LONG_ANSWER="0")
        p.press("New chat")
        p.get("label", "New Chat")
        p.write("Tell me about the lantern hills")
        p.press("Send")
        wait_for("the answer", lambda: any(len(t) > 60 for t in self.texts(p)))
        p.press("New chat")
        p.get("label", "New Chat")
        p.write("Tell me about the copper lake")
        p.press("Send")
        p.get("label", "Waiting for another answer")
        p.screenshot("waiting")
        self.end()
        with store.connect() as db:
            kept = dict(db.execute("SELECT q.text, length(a.text) FROM messages q JOIN messages a ON a.parent = q.id"
                                   " WHERE q.role = 1").fetchall())
        self.assertGreater(kept["Tell me about the lantern hills"], 60)
        self.assertIn("Tell me about the copper lake", kept)
        p = self.start(model=model)
        p.get("list item", contains="You: Tell me about the copper lake")
        p.select(p.get("list item", name="Tell me about the lantern hills"))
        p.get("label", contains="Interrupted")
        self.end()

    # -- The watchdog --

    def test_5_watchdog(self):
        for how, said in [("compute", "it computed for "), ("wait", "it waited for ")]:
            p = self.start(LW_WATCHDOG_MISBEHAVE=how)
            wait_for("the fault", lambda: re.search(rf"watchdog: fault: {said}\d+ ms, seen in ", p.output()))
            self.assertIn("longwave:misbehave", name_places(p.output()))
            noted = os.path.join(os.environ["TMPDIR"], "notes")
            with unittest.mock.patch.dict(os.environ, LW_TEST_NOTES=noted):
                self.end_by_signal()
            with open(noted, encoding="utf-8") as f:
                self.assertEqual(f.read(), "slow test_5_watchdog\n")
            os.remove(noted)
            self.assertIn("1 faults", p.output())


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    program = unittest.main(exit=False, verbosity=2)
    sys.exit(0 if program.result.wasSuccessful() else 1)
