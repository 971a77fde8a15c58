# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of models: what is listed, added, removed and fetched, and that no byte is lost on the way."""

import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import unittest

import cards
from desktop import (DEADLINE, Atspi, GLib, Missing, WindowTest, press, role, run, sensitive, showing, text_of,
                     wait_for, walk)

sys.path.append(os.path.join(os.environ["LW_SOURCE"], "tests", "cli"))
from lwtest import Skip, write_larger_than_memory  # noqa: E402

FIXTURES = os.environ["LW_FIXTURES"]
LIBRARY = os.path.join(os.environ["XDG_DATA_HOME"], "longwave", "models")
HOME = os.environ["HOME"]
OURS = os.path.join(os.environ["LW_DEFAULT_MODEL_FOLDER"], "longwave-mini.gguf")


def fixture(name):
    return os.path.join(FIXTURES, name)


def put(source, *target):
    path = os.path.join(*target)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    shutil.copy(source, path)
    return path


def make_ollama(name, model):
    """A store as Ollama lays it out: a manifest that names a blob."""
    store = os.path.join(HOME, ".ollama", "models")
    with open(model, "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    blob = put(model, store, "blobs", "sha256-" + digest)
    manifest = os.path.join(store, "manifests", "registry.ollama.ai", "library", *name.split(":"))
    os.makedirs(os.path.dirname(manifest))
    with open(manifest, "w") as f:
        json.dump({"schemaVersion": 2, "layers": [
            {"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:" + digest, "size": 1}]}, f)
    return blob


class Server:
    """One file with ranges and an ETag; until `open` is set the connection stalls after half of it."""

    def __init__(self, body):
        self.seen, self.body, self.half = [], body, len(body) // 2
        self.broken = 0  # how many answers break off after half of it
        self.open, self.sha = threading.Event(), hashlib.sha256(body).hexdigest()
        self.announced = self.sha
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_GET(self):
                outer.serve(self)

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def serve(self, h):
        h.close_connection = True
        self.seen.append((h.path, h.headers.get("Range")))
        if h.path != "/fetched.gguf":
            h.send_error(404)
            return
        start = int((h.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        h.send_response(206 if start else 200)
        for name, value in {"ETag": '"one"', "X-Linked-ETag": f'"{self.announced}"', "Accept-Ranges": "bytes",
                            "Content-Length": str(len(self.body) - start), "Connection": "close"}.items():
            h.send_header(name, value)
        if start:
            h.send_header("Content-Range", f"bytes {start}-{len(self.body) - 1}/{len(self.body)}")
        h.end_headers()
        try:
            h.wfile.write(self.body[start:max(start, self.half)])
            h.wfile.flush()
            if self.broken:
                self.broken -= 1
                return
            # Until the reader has left or is let in, never for a fixed time.
            while not self.open.wait(0.05):
                h.wfile.flush()
                if h.connection.recv(1, 0x40 | 0x02) == b"":  # MSG_DONTWAIT | MSG_PEEK: it has left
                    return
        except BlockingIOError:
            self.open.wait()
        except OSError:
            return
        try:
            h.wfile.write(self.body[max(start, self.half):])
        except OSError:
            pass


class Models(WindowTest):
    """The tests share one home and run in the order of their names."""

    @classmethod
    def setUpClass(cls):
        cls.own = put(fixture("b-text-q8_0.gguf"), LIBRARY, "mine", "mine.gguf")
        put(fixture("b-mmproj-f32.gguf"), LIBRARY, "mine", "mmproj.gguf")
        cls.blob = make_ollama("seer:7b", fixture("llama.gguf"))
        cls.studio = put(fixture("mistral.gguf"), HOME, ".lmstudio", "models", "pub", "repo", "studio.gguf")
        put(os.path.join(FIXTURES, "..", "meson.build"), LIBRARY, "broken", "broken.gguf")

    def start(self, *args, **environment):
        # No proxy between the program and the loopback, whatever the machine has.
        environment.setdefault("GIO_USE_PROXY_RESOLVER", "dummy")
        return self.launch(*args, LW_DEFAULT_MODEL=OURS, **environment)

    def open_page(self, p):
        p.key("ctrl+shift+m")
        p.get("list", "Comes with Longwave")

    def use(self, p, name):
        self.assertTrue(press(p.get("push button", "Use " + name)))
        wait_for("the choice to be told", lambda: p.find("label", contains=name + " answers from now on"))
        wait_for("its row and the title of the window", lambda: len(p.find_all("label", name)) == 2)

    def labels(self, row):
        return [text_of(n) for n in walk(row) if role(n) == "label"]

    def expand(self, p, name):
        """Click on its line, again when the window was not ready for it, until what is below it is there."""
        for deadline in (8, 8, DEADLINE):
            self.click_row(p, name)
            try:
                return wait_for("what is below " + name, lambda: self.files_in(self.outer(p, name)), deadline)
            except Missing:
                if deadline == DEADLINE:
                    raise

    def outer(self, p, name):
        """The expander with its line and what is below it."""
        return self.row(p, name).get_parent().get_parent().get_parent()

    def click_row(self, p, name):
        window = wait_for("the page's X window", lambda: run("xdotool", "search", "--onlyvisible", "--name",
                                                             "^Models$").split())[-1]
        run("xdotool", "windowraise", window)  # without a window manager nobody else does
        box = Atspi.Component.get_extents(self.row(p, name), Atspi.CoordType.WINDOW)
        run("xdotool", "mousemove", "--window", window, str(box.x + 60),
            str(box.y + box.height // 2), "click", "1")

    def row(self, p, name):
        return p.get("list item", name)

    def summary(self, p, name):
        """The line below the name, once it says whether the model fits."""
        return wait_for("what is known of " + name, lambda: next(
            (t for t in self.labels(self.row(p, name)) if "fit" in t), None))

    def button_in(self, p, section, name):
        return [n for n in walk(p.get("list", section)) if role(n) == "push button" and n.get_name() == name]

    def files_in(self, row):
        """What says where a model's file is: the last of what is below its line."""
        return [n for n in walk(row) if role(n) == "label" and text_of(n) == "File" and showing(n)]

    def test_1_what_there_is(self):
        p = self.start(LW_SYSTEM_ROOT=os.path.join(os.environ["TMPDIR"], "nothing"))
        self.open_page(p)
        p.get("label", contains="memory are free. Models run on the processor.")
        for section, name, sees in (("Comes with Longwave", "Longwave Mini", True),
                                    ("Yours", "golden b", True),
                                    ("Ollama’s", "seer:7b", False),
                                    ("LM Studio’s", "golden mistral", False)):
            self.assertTrue(any(n.get_name() == name for n in walk(p.get("list", section))), name)
            text = self.summary(p, name)
            self.assertIn(" · fits", text)
            wait_for("its speed", lambda: "tokens/s (estimate)" in self.summary(p, name))
            self.assertIn("sees pictures" if sees else "text only", text)
        # What cannot be used is listed with the reason, and below it with what the engine says.
        self.assertIn("This file is not a model in GGUF format.", self.labels(self.row(p, "broken")))
        p.screenshot("models-page", whole=True)
        # Only what is Longwave's own can be removed here.  What opens does not move what is above it.
        for section, name, removable in (("LM Studio’s", "golden mistral", 0), ("Ollama’s", "seer:7b", 0),
                                         ("Yours", "golden b", 1), ("Yours", "broken", 2),
                                         ("Comes with Longwave", "Longwave Mini", 0)):
            self.expand(p, name)
            self.assertEqual(len(self.button_in(p, section, "Remove")), removable, section)
        p.get("label", contains="broken.gguf: not a GGUF file (it begins with bytes ")

        # Its figures are those of lw info.
        report = json.loads(run(os.environ["LW_BIN"], "info", "--json", self.own))
        context = wait_for("the contexts", lambda: p.find("label", contains="tokens take"))
        self.assertIn(str(report["contexts"][0]["tokens"]), text_of(context).replace(",", ""))
        p.screenshot("models-details", whole=True)

        # Measuring replaces what was found in a hurry, for all of them.
        p.press("Measure")
        ini = os.path.join(os.environ["XDG_CACHE_HOME"], "longwave", "speed.ini")
        wait_for("the measurement to be remembered", lambda: os.path.exists(ini))
        wait_for("it to count", lambda: not any(
            n.get_name() in ("Measure", "Measuring…") for n in walk(p.get("list", "Yours"))))
        report = json.loads(run(os.environ["LW_BIN"], "info", "--json", self.own))
        speed = report["estimated_tokens_per_second"]
        shown = re.search(r"about ([\d.,]+) tokens/s", self.summary(p, "golden b"))[1]
        self.assertAlmostEqual(float(shown.replace(",", "")), speed, delta=speed * 0.02)

        # Another one answers from now on.
        self.use(p, "golden b")
        self.end_by_signal()

    def test_1a_eight_bits(self):
        """What a context takes is told for the precision that it is kept in."""
        context = json.loads(run(os.environ["LW_BIN"], "info", "--json", self.own))["contexts"][0]
        path = os.path.join(os.environ["XDG_CONFIG_HOME"], "glib-2.0", "settings", "keyfile")
        with open(path, encoding="utf-8") as f:
            settings = f.read()
        for line, precision in (("kv-precision=0\n", "f16"), ("kv-precision=1\n", "q8_0")):
            with open(path, "w", encoding="utf-8") as f:
                f.write(settings.replace("Longwave]\n", "Longwave]\n" + line))
            p = self.start()
            self.open_page(p)
            self.summary(p, "golden b")
            self.expand(p, "golden b")
            size = GLib.format_size(context["kv_bytes_" + precision])
            wait_for("what it takes", lambda: p.find("label", contains=f"tokens take {size}"))
            self.end_by_signal()
        with open(path, "w", encoding="utf-8") as f:
            f.write(settings)

    def test_1b_a_graphics_card(self):
        p = self.start(LW_SYSTEM_ROOT=cards.make_system())
        self.open_page(p)
        p.get("label", contains=f"memory are free. Found: {cards.NAME} (driver {cards.DRIVER}), but this version of "
              "Longwave computes on the processor only.")
        p.screenshot("models-card", whole=True)
        self.end_by_signal()

    def test_2_add_and_remove(self):
        folder = os.path.join(os.environ["TMPDIR"], "downloads")
        model = put(fixture("qwen3.gguf" if os.path.exists(fixture("qwen3.gguf")) else "llama-yarn.gguf"),
                    folder, "added.gguf")
        # "Open with Longwave" installs it.
        p = self.start(model)
        link = os.path.join(LIBRARY, "added", "added.gguf")
        wait_for("the link", lambda: os.path.islink(link))
        p.get("label", contains="The file stays where it is")
        p.screenshot("models-added", whole=True)
        # A file that is none is refused with its name.
        text = put(os.path.join(FIXTURES, "..", "meson.build"), folder, "text.gguf")
        subprocess.run([os.environ["LW_APP"], text], check=True, timeout=60)
        p.get("label", contains="text.gguf")
        p.press("Close")

        # Removed, taken back, removed for good; the original never moves.
        name = json.loads(run(os.environ["LW_BIN"], "info", "--json", model))["name"]
        self.remove(p, name)
        wait_for("it to be gone", lambda: not os.path.lexists(link))
        p.screenshot("models-removed", whole=True)
        p.press("Undo")
        wait_for("it to be back", lambda: os.path.islink(link))
        self.remove(p, name)
        wait_for("it to be gone again", lambda: not os.path.lexists(link))
        self.end_by_signal()
        self.assertFalse(os.path.lexists(link))
        self.assertEqual([n for n in os.listdir(LIBRARY) if n.startswith(".removed")], [])
        for path in (model, self.blob, self.studio, self.own):
            self.assertTrue(os.path.isfile(path), path)

    def test_2a_choose_a_file(self):
        """Through the dialog: a model, found with what it sees with."""
        folder = os.path.join(os.environ["TMPDIR"], "chosen")
        model = put(fixture("b-text-q8_0.gguf"), folder, "chosen.gguf")
        put(fixture("b-mmproj-f32.gguf"), folder, "mmproj-chosen.gguf")
        link = os.path.join(LIBRARY, "chosen", "chosen.gguf")
        p = self.start()
        self.open_page(p)
        p.press("Add a model")
        entry = wait_for("the menu item", lambda: next(iter(p.find_all("menu item", "Choose a File…")), None))
        self.assertTrue(press(entry))
        p.type_file_name("Add", model)
        wait_for("the link", lambda: os.path.islink(link))
        p.get("label", contains="The file stays where it is")
        wait_for("what it sees with", lambda: os.path.exists(
            os.path.join(LIBRARY, "chosen", "mmproj-chosen.gguf")))
        self.assertTrue(os.path.isfile(model) and not os.path.islink(model))
        self.end_by_signal()
        shutil.rmtree(os.path.dirname(link))

    def drop_on_page(self, p, *paths):
        """Drag files from another window onto the page, with the mouse."""
        page = wait_for("the page's X window", lambda: run("xdotool", "search", "--onlyvisible", "--name",
                                                           "^Models$").split())[-1]
        run("xdotool", "windowmove", "--sync", page, "0", "0")
        run("xdotool", "windowraise", page)
        source = self.drag(page, *paths)
        for x in range(1050, 320, -20):
            run("xdotool", "mousemove", str(x), "380")
        self.drop(source, 310, 382)

    def test_2b_drop_with_its_vision_file(self):
        """Two files at once, which do not lie beside each other, in the order in which they come."""
        folder = os.path.join(os.environ["TMPDIR"], "dropped")
        model = put(fixture("b-text-q8_0.gguf"), folder, "dropped.gguf")
        vision = put(fixture("b-mmproj-f32.gguf"), folder, "apart", "mmproj-apart.gguf")
        link = os.path.join(LIBRARY, "dropped", "dropped.gguf")
        p = self.start()
        self.open_page(p)
        self.drop_on_page(p, vision, model)
        wait_for("the model", lambda: os.path.islink(link))
        wait_for("its vision file", lambda: os.path.islink(
            os.path.join(LIBRARY, "dropped", "mmproj-apart.gguf")))
        p.get("label", contains="The file stays where it is")
        self.assertIsNone(p.find("label", contains="The Model Was Not Added"))
        # A vision file alone is no model, which is said.
        self.drop_on_page(p, vision)
        p.get("label", contains="mmproj-apart.gguf is the vision part of a model")
        p.press("Close")
        self.end_by_signal()
        self.assertTrue(os.path.isfile(model) and os.path.isfile(vision))
        shutil.rmtree(os.path.dirname(link))

    def test_2c_too_large(self):
        """A model that the computer cannot hold is listed with the reason, and cannot be chosen."""
        folder = os.path.join(LIBRARY, "huge")
        os.makedirs(folder)
        try:
            write_larger_than_memory(pathlib.Path(folder, "huge.gguf"))
        except Skip as reason:
            self.skipTest(str(reason))
        p = self.start()
        self.open_page(p)
        path = os.path.join(folder, "huge.gguf")
        name = json.loads(run(os.environ["LW_BIN"], "info", "--json", path))["name"]
        row = wait_for("its row", lambda: next((
            r for r in p.find_all("list item", name) if any("TB" in t for t in self.labels(r))), None))
        wait_for("that it does not fit", lambda: any(
            "does not fit this computer" in t for t in self.labels(row)))
        self.assertFalse(any("tokens/s" in t for t in self.labels(row)))
        self.assertFalse(any(role(n) == "push button" and n.get_name().startswith("Use ") and showing(n)
                             for n in walk(row)))
        self.end_by_signal()
        shutil.rmtree(folder)

    def remove(self, p, name):
        outer = self.outer(p, name)
        self.expand(p, name)
        wait_for("what is below it", lambda: any(
            role(n) == "push button" and n.get_name() == "Remove" and showing(n) for n in walk(outer)))
        button = wait_for("its Remove button", lambda: next(
            (n for n in walk(outer) if role(n) == "push button" and n.get_name() == "Remove"), None))
        self.assertTrue(press(button))

    def ask(self, p, url, sha256=""):
        p.key("Escape")  # menus
        p.press("Download…")
        p.get(name="Address of the model")
        run("xdotool", "type", "--delay", "1", url)

    def test_3_download(self):
        with open(fixture("gemma3.gguf"), "rb") as f:
            server = Server(f.read())
        part = os.path.join(LIBRARY, "fetched", "fetched.gguf.part")
        p = self.start()
        self.open_page(p)
        self.ask(p, "nonsense")
        wait_for("the reason", lambda: p.find("label", contains="nonsense"))
        run("xdotool", "key", "ctrl+a")
        run("xdotool", "type", "--delay", "1", server.url + "/fetched.gguf")
        p.screenshot("models-address", whole=True)
        p.press("Download")
        wait_for("half of it", lambda: os.path.exists(part) and os.path.getsize(part) == server.half)
        wait_for("how far it is", lambda: p.find("label", contains=" of "))
        p.screenshot("models-downloading", whole=True)
        p.press("Pause the download")
        wait_for("the pause", lambda: p.find("label", contains="Paused · "))
        self.assertEqual(os.path.getsize(part), server.half)
        self.end_by_signal()

        # In the next run it is still there, and only the rest is fetched.
        server.open.set()
        p = self.start()
        self.open_page(p)
        wait_for("the unfinished one", lambda: p.find("label", contains="Paused · "))
        self.assertEqual(len(server.seen), 1, "nothing is fetched unless asked")
        p.press("Go on with the download")
        whole = os.path.join(LIBRARY, "fetched", "fetched.gguf")
        wait_for("all of it", lambda: os.path.exists(whole) and not os.path.exists(part))
        with open(whole, "rb") as f:
            self.assertEqual(f.read(), server.body)
        self.assertEqual(server.seen[-1], ("/fetched.gguf", f"bytes={server.half}-"))
        self.summary(p, "golden gemma3")
        wait_for("no download listed", lambda: not p.find("label", "On Their Way"))

        # A wrong address says so and leaves nothing behind but what to try again with.
        self.ask(p, server.url + "/nothing.gguf")
        p.press("Download")
        wait_for("the 404", lambda: p.find("label", contains="404"))
        p.screenshot("models-failed", whole=True)
        p.press("Discard the download")
        p.press("Discard")
        wait_for("it to be gone", lambda: not p.find("label", contains="404"))
        self.assertFalse(os.path.exists(os.path.join(LIBRARY, "nothing")))
        self.end_by_signal()

    def test_3a_wrong_checksum(self):
        """What arrived is not what was asked for: that is said, it is not installed, and no byte is lost."""
        with open(fixture("gemma3.gguf"), "rb") as f:
            server = Server(f.read())
        server.open.set()
        folder = os.path.join(LIBRARY, "fetched")
        shutil.rmtree(folder, ignore_errors=True)
        p = self.start()
        self.open_page(p)
        self.ask(p, server.url + "/fetched.gguf")
        # What is no checksum at all is told while it is typed.
        p.get(name="SHA-256 (optional)")
        run("xdotool", "key", "Tab", "Tab")
        run("xdotool", "type", "--delay", "1", "abc")
        wait_for("the reason", lambda: p.find("label", contains="abc"))
        run("xdotool", "key", "ctrl+a")
        run("xdotool", "type", "--delay", "1", "0" * 64)
        wait_for("the reason to go", lambda: not p.find("label", contains="abc"))
        p.press("Download")
        # The server says beforehand that it is another file: nothing is fetched.
        said = text_of(p.get("label", contains="is not the one that the checksum belongs to"))
        self.assertIn(server.sha, said)
        self.assertIn("0" * 64, said)
        self.assertIn("nothing was fetched", said)
        # Without such a word all of it is fetched, and then compared.
        server.announced = ""
        p.press("Go on with the download")
        said = text_of(p.get("label", contains="bytes are kept as "))
        self.assertIn("is not the one that the checksum belongs to", said)
        self.assertIn(server.sha, said)
        p.screenshot("models-checksum", whole=True)
        kept = [n for n in os.listdir(folder) if n.startswith("fetched.gguf.wrong-sha256")]
        self.assertEqual(len(kept), 1)
        with open(os.path.join(folder, kept[0]), "rb") as f:
            self.assertEqual(f.read(), server.body)
        self.assertFalse(os.path.exists(os.path.join(folder, "fetched.gguf")))
        self.assertIsNone(p.find("push button", "Use golden gemma3"))
        p.press("Discard the download")
        p.press("Discard")
        wait_for("it to be gone", lambda: not p.find("label", contains="that the checksum belongs to"))
        self.end_by_signal()

    def test_3b_broken_connection(self):
        """It is tried again from where it broke, and that is said meanwhile."""
        with open(fixture("gemma3.gguf"), "rb") as f:
            server = Server(f.read())
        server.broken = 1
        shutil.rmtree(os.path.join(LIBRARY, "fetched"), ignore_errors=True)
        p = self.start()
        self.open_page(p)
        self.ask(p, server.url + "/fetched.gguf")
        p.press("Download")
        said = text_of(p.get("label", contains="The connection broke. Trying again."))
        self.assertIn("trying again (1 of 5)", said)
        p.screenshot("models-broken-connection", whole=True)
        server.open.set()
        whole = os.path.join(LIBRARY, "fetched", "fetched.gguf")
        wait_for("all of it", lambda: os.path.exists(whole))
        with open(whole, "rb") as f:
            self.assertEqual(f.read(), server.body)
        self.assertEqual(server.seen[1:], [("/fetched.gguf", f"bytes={server.half}-")])
        self.end_by_signal()
        shutil.rmtree(os.path.dirname(whole))

    # -- How a model is asked --

    def question(self, sql, *args):
        path = os.path.join(os.environ["XDG_DATA_HOME"], "longwave", "longwave.db")
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20) as db:
            return db.execute(sql, args).fetchall()

    def send(self, p, text):
        """Returns (prompt tokens, answer tokens) of the answer, once it is saved."""
        count = "SELECT n_prompt, n_generated FROM messages WHERE role = 2 AND state = 0 ORDER BY created"
        before = len(self.question(count)) if self.asked else 0
        type(self).asked = True
        p.write(text)
        p.press("Send")
        return wait_for("the answer in the database", lambda: self.question(count)[before:])[0]

    def new_chat(self, p):
        p.press("New chat")
        p.get("label", "New Chat")

    asked = False

    def spin(self, p, name):
        return p.get("spin button", name)

    def test_4_instructions_and_presets(self):
        p = self.start()
        self.open_page(p)
        self.use(p, "Longwave Mini")
        plain, _ = self.send(p, "What colour is the sky?")

        self.new_chat(p)
        p.key("ctrl+e")
        p.get("text", "Instructions")
        wait_for("what is typed", lambda: self.type_into(p, "Instructions", "Answer in one word."))
        press(p.get("check box", "As the model’s makers recommend"))
        wait_for("the figures to be open", lambda: sensitive(self.spin(p, "Longest answer")))
        Atspi.Value.set_current_value(self.spin(p, "Longest answer"), 2)
        Atspi.Value.set_current_value(self.spin(p, "Temperature"), 0)
        p.screenshot("chat-settings", whole=True)
        p.press("Save as Preset…")
        p.get(contains="Name")
        run("xdotool", "type", "Short")
        run("xdotool", "key", "Return")
        wait_for("the preset in the database", lambda: self.question(
            "SELECT system, max_tokens FROM options WHERE kind = 3 AND name = 'Short'")
            == [("Answer in one word.", 2)])
        run("xdotool", "key", "Escape")
        wait_for("the chat's own in the database", lambda: self.question(
            "SELECT own, temperature, max_tokens FROM options WHERE kind = 1") == [(0, 0.0, 2)])
        told, n = self.send(p, "What colour is the sky?")
        self.assertGreater(told, plain, "the instructions are part of the prompt")
        self.assertEqual(n, 2)
        self.end_by_signal()

    def type_into(self, p, name, text):
        field = p.get("text", name)
        if text not in text_of(field):
            Atspi.EditableText.insert_text(field, 0, text, len(text.encode()))
        return text in text_of(p.get("text", name))

    def test_5_each_chat_its_model(self):
        p = self.start()
        self.open_page(p)
        self.assertEqual(self.question("SELECT count(*) FROM conversations"), [(2,)])
        self.use(p, "golden b")
        self.new_chat(p)
        p.write("Another question")
        p.press("Send")  # the answer of random weights need not end
        wait_for("it in the database", lambda: self.question(
            "SELECT 1 FROM conversations WHERE title = 'Another question'"))
        self.end_by_signal()
        models = self.question("SELECT title, model FROM conversations ORDER BY created")
        self.assertEqual([m for _, m in models][0], None)
        self.assertEqual([m for _, m in models][-1], self.own)
        # A restart opens the chat with its model.
        p = self.start()
        p.get("label", "Another question")
        p.get("label", "golden b")
        self.end_by_signal()


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    program = unittest.main(exit=False, verbosity=2)
    sys.exit(0 if program.result.wasSuccessful() else 1)
