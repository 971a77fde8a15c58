# SPDX-License-Identifier: GPL-3.0-or-later
"""First start, preferences, and what the desktop sees: notifications, search, more windows, delete all."""

import os
import re
import sqlite3
import subprocess
import sys
import time
import unittest

import cards
from desktop import (Atspi, GLib, WindowTest, press, role, run, sensitive, set_key, settings, text_of, wait_for,
                     walk)

from gi.repository import Gio

OURS = os.path.join(os.environ["LW_DEFAULT_MODEL_FOLDER"], "longwave-mini.gguf")
NAME = "io.github.longwave.Longwave"
DATA = os.path.join(os.environ["XDG_DATA_HOME"], "longwave")
NOTIFICATIONS = """<node><interface name='org.freedesktop.Notifications'>
<method name='Notify'><arg type='s' direction='in'/><arg type='u' direction='in'/>
<arg type='s' direction='in'/><arg type='s' direction='in'/><arg type='s' direction='in'/>
<arg type='as' direction='in'/>
<arg type='a{sv}' direction='in'/><arg type='i' direction='in'/><arg type='u' direction='out'/></method>
<method name='CloseNotification'><arg type='u' direction='in'/></method>
<method name='GetCapabilities'><arg type='as' direction='out'/></method>
<method name='GetServerInformation'><arg type='s' direction='out'/><arg type='s' direction='out'/>
<arg type='s' direction='out'/><arg type='s' direction='out'/></method>
</interface></node>"""

SESSION = """<node><interface name='org.gnome.SessionManager'>
<method name='Inhibit'><arg type='s' direction='in'/><arg type='u' direction='in'/>
<arg type='s' direction='in'/><arg type='u' direction='in'/><arg type='u' direction='out'/></method>
<method name='Uninhibit'><arg type='u' direction='in'/></method>
</interface></node>"""
SUSPEND = 4
# Less than 64 tokens are not worth keeping.
LONG = ", ".join(str(i) for i in range(40))


class Desktop:
    """The parts of a desktop that show notifications and put the computer to sleep."""

    def __init__(self):
        self.shown, self.inhibited, self.released = [], [], []
        self.unanswered = None  # a list: what asks to stay awake is not answered but kept here
        self.bus = Gio.bus_get_sync(Gio.BusType.SESSION, None)
        info = Gio.DBusNodeInfo.new_for_xml(NOTIFICATIONS)
        self.bus.register_object("/org/freedesktop/Notifications", info.interfaces[0], self.call, None, None)
        Gio.bus_own_name_on_connection(self.bus, "org.freedesktop.Notifications", 0, None, None)
        info = Gio.DBusNodeInfo.new_for_xml(SESSION)
        self.bus.register_object("/org/gnome/SessionManager", info.interfaces[0], self.call, None, None)
        Gio.bus_own_name_on_connection(self.bus, "org.gnome.SessionManager", 0, None, None)

    def call(self, bus, sender, path, interface, method, parameters, invocation):
        if method == "Notify":
            self.shown.append(parameters.unpack())
            invocation.return_value(GLib.Variant("(u)", (len(self.shown),)))
        elif method == "Inhibit":
            self.inhibited.append(parameters.unpack())
            if self.unanswered is None:
                invocation.return_value(GLib.Variant("(u)", (len(self.inhibited),)))
            else:
                self.unanswered.append((invocation, len(self.inhibited)))
        elif method == "Uninhibit":
            self.released.append(parameters.unpack()[0])
            invocation.return_value(None)
        elif method == "GetCapabilities":
            invocation.return_value(GLib.Variant("(as)", (["actions", "body"],)))
        elif method == "GetServerInformation":
            invocation.return_value(GLib.Variant("(ssss)", ("test", "test", "1", "1.2")))
        else:
            invocation.return_value(None)


def provider(method, signature, *arguments):
    """What the shell asks; the test's main loop goes on meanwhile."""
    bus, answer = Gio.bus_get_sync(Gio.BusType.SESSION, None), []
    bus.call(NAME, "/io/github/longwave/Longwave/SearchProvider", "org.gnome.Shell.SearchProvider2", method,
             GLib.Variant(signature, arguments), None, Gio.DBusCallFlags.NONE, 20000, None,
             lambda source, result: answer.append(source.call_finish(result).unpack()))
    return wait_for(method + " to answer", lambda: answer and [answer[0]])[0]


KV = os.path.join(os.environ["XDG_CACHE_HOME"], "longwave", "kv")


def query(sql):
    with sqlite3.connect(f"file:{DATA}/longwave.db?mode=ro", uri=True, timeout=20) as db:
        return db.execute(sql).fetchall()


class Preferences(WindowTest):
    """The tests share one home and run in the order of their names."""

    @classmethod
    def setUpClass(cls):
        cls.desktop = Desktop()

    def start(self, *args, **environment):
        return self.launch(*args, LW_DEFAULT_MODEL=OURS, **environment)

    def ask(self, p, text):
        before = query("SELECT count(*) FROM messages WHERE role = 2 AND state = 0")[0][0]
        p.write(text)
        p.press("Send")
        wait_for("the answer in the database", lambda: query(
            "SELECT count(*) FROM messages WHERE role = 2 AND state = 0")[0][0] > before)

    def open_preferences(self, p):
        p.key("ctrl+comma")
        p.get("list", "Appearance")

    def page(self, p, name, sign):
        """Click on the tab until the page shows its sign."""
        def clicked():
            # Of the two switchers for two widths, one is shown; every window begins in the screen's corner.
            for tab in p.find_all("page tab", name):
                box = Atspi.Component.get_extents(tab, Atspi.CoordType.WINDOW)
                run("xdotool", "mousemove", str(box.x + box.width // 2), str(box.y + box.height // 2),
                    "click", "1")
            return p.find("label", sign)
        wait_for(f"the page {name}", clicked)

    def test_1_first_start(self):
        p = self.start()
        p.get("label", contains="I am Longwave Mini")
        p.get("label", "For daily work, get a larger model")
        p.get("label", "Everything stays on this computer.")
        p.screenshot("welcome")
        p.press("Models…")
        p.get("list", "Comes with Longwave")
        self.end_by_signal()

    def test_2_settings_count_at_once(self):
        p = self.start(LW_SYSTEM_ROOT=cards.make_system())
        self.open_preferences(p)
        p.screenshot("preferences-general", whole=True)
        enter = p.get("check box", "Enter sends")
        press(enter)
        self.page(p, "Computer", "Processor")
        # What was found, and why it is not used: then there is nothing to switch.
        p.get("label", f"Found: {cards.NAME} (driver {cards.DRIVER}), but this version of Longwave computes on the "
              "processor only")
        self.assertFalse(sensitive(p.get("check box", "Graphics card")))
        Atspi.Value.set_current_value(p.get("spin button", "Threads"), 1)
        Atspi.Value.set_current_value(p.get("spin button", "Longest context"), 2048)
        p.screenshot("preferences-computer", whole=True)
        run("xdotool", "key", "Escape")
        p.wait_for_one_window()
        # Enter begins a new line now, Ctrl+Enter sends.
        p.write("One")
        p.key("End", "Return")
        wait_for("the new line", lambda: text_of(p.question()) == "One\n")
        run("xdotool", "type", "two")
        p.key("ctrl+Return")
        wait_for("the answer", lambda: query(
            "SELECT count(*) FROM messages WHERE role = 2 AND state = 0") == [(1,)])
        self.assertEqual(query("SELECT text FROM messages WHERE role = 1"), [("One\ntwo",)])
        kept = settings()
        for line in ("enter-sends=false", "threads=1", "context-tokens=2048"):
            self.assertIn(line, kept)
        self.end_by_signal()

    # -- What is kept on the disk to pick up from --

    def snapshots(self):
        """name -> bytes of every file."""
        found = {}
        for folder, _, names in os.walk(KV):
            for name in names:
                found[os.path.join(folder, name)] = os.path.getsize(os.path.join(folder, name))
        return found

    def figure(self, p):
        """Bytes on the disk as the window says, once it says anything."""
        row = p.get("list item", "On the disk now")
        text = wait_for("a figure", lambda: next(
            (t for t in map(text_of, (n for n in walk(row) if role(n) == "label"))
             if re.fullmatch(r"[\d.]+\s(bytes?|[kMG]B)", t)), None))
        number, unit = text.split("\xa0") if "\xa0" in text else text.split()
        return float(number) * {"byte": 1, "bytes": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]

    def fake(self, number, megabytes, age):
        """A snapshot that was used `age` seconds ago, without taking the room that it says it takes."""
        folder = os.path.join(KV, f"{0xfeed:032x}")
        os.makedirs(folder, exist_ok=True)
        stem = os.path.join(folder, f"{number:016x}")
        for suffix, size in ((".table", 4096), (".pages", megabytes * 1000000)):
            with open(stem + suffix, "w") as f:
                f.truncate(size)
            os.utime(stem + suffix, (time.time() - age,) * 2)
        return stem

    def test_2a_disk_budget(self):
        p = self.start()
        self.ask(p, "What is kept of this? " + LONG)
        wait_for("it on the disk", self.snapshots)
        self.open_preferences(p)
        self.page(p, "Storage and Privacy", DATA)
        have = sum(self.snapshots().values())
        self.assertAlmostEqual(self.figure(p), have, delta=have * 0.06)
        p.screenshot("preferences-storage", whole=True)

        # Cleared: none is left, the figure says so, and there is nothing more to clear.
        p.press("Clear")
        wait_for("nothing to be left", lambda: self.figure(p) == 0)
        self.assertEqual(self.snapshots(), {})
        self.assertFalse(sensitive(p.get("push button", "Clear")))

        # At most 1 GB: those not used for longest go.
        oldest, older, newest = self.fake(1, 600, 9000), self.fake(2, 600, 5000), self.fake(3, 300, 1000)
        run("xdotool", "key", "Escape")
        self.open_preferences(p)
        self.page(p, "Storage and Privacy", DATA)
        self.assertAlmostEqual(self.figure(p), 1.5e9, delta=5e7)
        Atspi.Value.set_current_value(p.get("spin button", "At most"), 1)
        run("xdotool", "key", "Escape")
        # When the window is closed, and not with the next answer only.
        wait_for("the oldest to go", lambda: not os.path.exists(oldest + ".pages"))
        self.ask(p, "And of this? " + LONG)
        self.assertFalse(os.path.exists(oldest + ".table"))
        for stem in (older, newest):
            self.assertTrue(os.path.exists(stem + ".table") and os.path.exists(stem + ".pages"))
        self.open_preferences(p)
        self.page(p, "Storage and Privacy", DATA)
        have = sum(self.snapshots().values())
        self.assertLess(have, 1e9)
        self.assertAlmostEqual(self.figure(p), have, delta=have * 0.06)
        p.press("Clear")
        wait_for("nothing to be left", lambda: self.figure(p) == 0)
        # Switched off, none is written.
        self.assertTrue(press(p.get("check box", "Keep it")))
        wait_for("the switch", lambda: "keep-snapshots=false" in settings())
        run("xdotool", "key", "Escape")
        self.ask(p, "And now? " + LONG)
        self.end_by_signal()
        self.assertEqual(self.snapshots(), {})

    def test_2b_eight_bits(self):
        """The precision of the context is chosen in the preferences: it is used, and snapshots are apart."""
        set_key("keep-snapshots", "false")
        p = self.start()
        self.open_preferences(p)
        self.page(p, "Storage and Privacy", DATA)
        self.assertTrue(press(p.get("check box", "Keep it")))
        wait_for("the switch", lambda: "keep-snapshots=true" in settings())
        run("xdotool", "key", "Escape")
        p.press("New chat")
        p.get("label", "New Chat")
        self.ask(p, "What colour is the sky over the hill? " + LONG)
        wait_for("its snapshot", self.snapshots)
        before = self.snapshots()
        self.end_by_signal()

        set_key("kv-precision", 1)
        p = self.start()
        p.get("list item", contains="What colour is the sky over the hill?")
        self.ask(p, "And at night? " + LONG)
        # It was not picked up from what was kept in 16 bits, and that is still there.
        said = wait_for("how long the prompt was", p.details)[-1]
        self.assertIsNone(p.find("label", contains="picked up where we left off"), said)
        wait_for("a snapshot in 8 bits", lambda: {os.path.dirname(n) for n in self.snapshots()}
                 - {os.path.dirname(n) for n in before})
        for name, size in before.items():
            self.assertEqual(self.snapshots().get(name), size)
        eight = sum(size for name, size in self.snapshots().items()
                    if name.endswith(".pages") and name not in before)
        self.assertGreater(eight, 0)
        self.end_by_signal()
        # The next start picks up what was kept in 8 bits.
        p = self.start()
        self.ask(p, "And in the morning?")
        p.get("label", contains="picked up where we left off")
        # The page of models tells what 8 bits take.
        self.open_preferences(p)
        self.page(p, "Computer", "Processor")
        p.screenshot("preferences-8-bit", whole=True)
        self.end_by_signal()
        set_key("kv-precision", 0)

    def test_2c_eight_bits_by_the_button(self):
        """A question that memory allows only in 8 bits: a button does it, and the question is answered."""
        # 31.4 MB of weights and 6,144 bytes a token in 16 bits: room for 1,000 tokens, 1,880 in 8 bits.
        set_key("context-tokens", 0)
        set_key("kv-precision", 0)
        p = self.start(LW_MEMORY="41700000")
        p.press("New chat")
        p.get("label", "New Chat")
        question = "Sum: " + " ".join(str(i) for i in range(351))
        p.write(question)
        p.press("Send")
        said = text_of(p.get("label", contains="tokens long, the context holds "))
        needed, room = (int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*", said)[:2])
        self.assertGreater(needed, 1250)
        self.assertLess(room, 1100)
        wait_for("the question back in the field", lambda: text_of(p.question()) == question)
        self.assertIsNone(p.find("push button", "Larger Context"))
        p.screenshot("full-context-8-bit")
        p.press("8-Bit Context")
        said = text_of(p.get("label", contains="The next answer has a context of "))
        larger = int(re.search(r"(\d[\d,]*) tokens", said)[1].replace(",", ""))
        self.assertGreaterEqual(larger, needed)
        before = query("SELECT count(*) FROM messages WHERE role = 2 AND state = 0")[0][0]
        p.press("Send")
        wait_for("the answer in the database", lambda: query(
            "SELECT count(*) FROM messages WHERE role = 2")[0][0] > before and query(
            "SELECT n_prompt FROM messages WHERE role = 2 ORDER BY created DESC LIMIT 1")[0][0] >= needed)
        wait_for("the gauge", lambda: p.find("label", contains=f" of {larger:,}")
                 or p.find("label", contains=f" of {larger}"))
        self.end_by_signal()
        self.assertIn("kv-precision=1", settings())
        self.assertIn(f"context-tokens={larger}", settings())
        set_key("kv-precision", 0)
        set_key("context-tokens", 2048)

    def test_3_notification_and_search(self):
        p = self.start(LW_LONG_ANSWER="0")
        p.press("New chat")
        p.get("label", "New Chat")  # or the question is written into the chat before
        # Another window gets the focus, as when people go on with something else.
        _, front = self.drag_source(p.window, OURS)
        run("xdotool", "windowfocus", "--sync", front)
        self.ask(p, "What colour is the marmalade sky?")
        shown = wait_for("the notification", lambda: self.desktop.shown)[0]
        self.assertIn("marmalade", shown[3])
        self.assertTrue(shown[4])
        # The computer was kept awake while the answer was made, and no longer.
        self.assertEqual({(app, flags) for app, _, _, flags in self.desktop.inhibited}, {(NAME, SUSPEND)})
        def all_released():
            return self.desktop.released == list(range(1, len(self.desktop.inhibited) + 1))

        wait_for("sleep to be allowed again", all_released)
        # Who keeps it awake may take its time: nobody waits for it, and what comes too late is given back.
        self.desktop.unanswered = []
        self.ask(p, "And the sea?")
        (invocation, cookie), = wait_for("it to be asked", lambda: self.desktop.unanswered)
        self.assertFalse(all_released())
        self.desktop.unanswered = None
        invocation.return_value(GLib.Variant("(u)", (cookie,)))
        wait_for("sleep to be allowed again", all_released)

        ids, = provider("GetInitialResultSet", "(as)", ["marmal"])
        self.assertEqual(len(ids), 1)
        self.assertEqual(provider("GetInitialResultSet", "(as)", ["nothing", "like", "that"]), ([],))
        self.assertEqual(provider("GetSubsearchResultSet", "(asas)", ids, ["marmalade", "sky"]), (ids,))
        meta, = provider("GetResultMetas", "(as)", ids)
        self.assertIn("marmalade", meta[0]["name"])
        self.assertEqual(meta[0]["id"], ids[0])
        p.press("New chat")
        p.get("label", "New Chat")
        provider("ActivateResult", "(sasu)", ids[0], ["marmalade"], 0)
        p.get("list item", contains="You: What colour is the marmalade sky?")
        self.end_by_signal()

    def test_3a_search_without_a_window(self):
        """The shell starts the program for a search alone; it answers, shows nothing, and goes again."""
        service = subprocess.Popen([os.environ["LW_APP"], "--gapplication-service"],
                                   env=dict(os.environ, LW_DEFAULT_MODEL=OURS))
        self.addCleanup(service.wait)
        self.addCleanup(service.kill)
        bus = Gio.bus_get_sync(Gio.BusType.SESSION, None)
        wait_for("its name on the bus", lambda: bus.call_sync(
            "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner",
            GLib.Variant("(s)", (NAME,)), None, 0, 5000, None).unpack()[0])
        ids, = provider("GetInitialResultSet", "(as)", ["marmalade"])
        self.assertEqual(len(ids), 1)
        meta, = provider("GetResultMetas", "(as)", ids)
        self.assertIn("marmalade", meta[0]["name"])
        self.assertEqual(subprocess.run(["xdotool", "search", "--onlyvisible", "--pid", str(service.pid)],
                                        capture_output=True, text=True).stdout, "")
        self.assertEqual(service.wait(60), 0)

    def test_4_more_windows(self):
        p = self.start()
        subprocess.run([os.environ["LW_APP"], "--new-window"], check=True, timeout=60)
        wait_for("a second window", lambda: sum(
            role(p.app.get_child_at_index(i)) == "frame" for i in range(p.app.get_child_count())) == 2)
        # A plain start brings the one that is there to the front.
        subprocess.run([os.environ["LW_APP"]], check=True, timeout=60)
        self.assertEqual(sum(role(p.app.get_child_at_index(i)) == "frame"
                             for i in range(p.app.get_child_count())), 2)
        self.end_by_signal()

    def test_5_delete_all(self):
        p = self.start()
        p.get("list item", contains="marmalade")
        self.ask(p, "More marmalade? " + LONG)
        wait_for("what is kept of it", self.snapshots)
        self.open_preferences(p)
        self.page(p, "Storage and Privacy", DATA)
        p.screenshot("preferences-privacy", whole=True)
        p.press("Delete All Chats…")
        p.get("push button", "Delete All")
        # A chat that was deleted the moment before cannot be taken back any more: its words are gone.
        p.press("Chat menu")
        wait_for("the menu's Delete", lambda: any(press(n) for n in p.find_all("menu item", "Delete")))
        p.get("push button", "Undo")
        p.press("Delete All")
        undo = p.find("push button", "Undo")
        if undo:
            press(undo)
        wait_for("the chats to be gone", lambda: query("SELECT count(*) FROM messages") == [(0,)])
        wait_for("none listed", lambda: not p.find("list item", contains="marmalade"))
        wait_for("the offer to end", lambda: not p.find("push button", "Undo"))
        self.assertIsNone(p.find("list item", contains="marmalade"))
        self.end_by_signal()
        # Not a word is left in the files.
        for folder, _, names in os.walk(os.environ["XDG_DATA_HOME"]):
            for name in names:
                with open(os.path.join(folder, name), "rb") as f:
                    self.assertNotIn(b"marmalade", f.read(), name)
        self.assertEqual(self.snapshots(), {})


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    program = unittest.main(exit=False, verbosity=2)
    sys.exit(0 if program.result.wasSuccessful() else 1)
