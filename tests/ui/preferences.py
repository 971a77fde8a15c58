# SPDX-License-Identifier: GPL-3.0-or-later
"""First start, preferences, and what the desktop sees: notifications, search, more windows, delete all."""

import os
import sqlite3
import subprocess
import sys
import unittest

from desktop import Atspi, GLib, WindowTest, press, role, run, text_of, wait_for

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


class Desktop:
    """The parts of a desktop that show notifications and put the computer to sleep."""

    def __init__(self):
        self.shown, self.inhibited, self.released = [], [], []
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
            invocation.return_value(GLib.Variant("(u)", (len(self.inhibited),)))
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


def query(sql):
    with sqlite3.connect(f"file:{DATA}/longwave.db?mode=ro", uri=True, timeout=5) as db:
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
        p.press("_Models… Models…")
        p.get("list", "Comes with Longwave")
        self.end_by_signal()

    def test_2_settings_count_at_once(self):
        p = self.start()
        self.open_preferences(p)
        p.screenshot("preferences-general", whole=True)
        enter = p.get("check box", "Enter sends")
        press(enter)
        self.page(p, "Computer", "Processor")
        wait_for("why no graphics card", lambda: p.find("label", contains="processor only")
                 or p.find("label", contains="Found:"))
        Atspi.Value.set_current_value(p.get("spin button", "Threads"), 1)
        Atspi.Value.set_current_value(p.get("spin button", "Longest context"), 2048)
        p.screenshot("preferences-computer", whole=True)
        run("xdotool", "key", "Escape")
        # Enter begins a new line now, Ctrl+Enter sends.
        p.write("One")
        p.key("End", "Return")
        wait_for("the new line", lambda: text_of(p.question()) == "One\n")
        run("xdotool", "type", "two")
        p.key("ctrl+Return")
        wait_for("the answer", lambda: query(
            "SELECT count(*) FROM messages WHERE role = 2 AND state = 0") == [(1,)])
        self.assertEqual(query("SELECT text FROM messages WHERE role = 1"), [("One\ntwo",)])
        keyfile = open(os.path.join(os.environ["XDG_CONFIG_HOME"], "glib-2.0", "settings", "keyfile")).read()
        for line in ("enter-sends=false", "threads=1", "context-tokens=2048"):
            self.assertIn(line, keyfile)
        self.end_by_signal()

    def test_3_notification_and_search(self):
        p = self.start(LW_LONG_ANSWER="0")
        p.press("New chat")
        p.get("label", "New Chat")  # or the question is written into the chat before
        # Another window gets the focus, as when people go on with something else.
        other = subprocess.Popen([os.environ["LW_DRAG_SOURCE"], p.window, OURS], stdout=subprocess.DEVNULL)
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        front = wait_for("the other window", lambda: subprocess.run(
            ["xdotool", "search", "--onlyvisible", "--name", "Drag source"],
            capture_output=True, text=True).stdout.split())[-1]
        run("xdotool", "windowfocus", "--sync", front)
        self.ask(p, "What colour is the marmalade sky?")
        shown = wait_for("the notification", lambda: self.desktop.shown)[0]
        self.assertIn("marmalade", shown[3])
        self.assertTrue(shown[4])
        # The computer was kept awake while the answer was made, and no longer.
        self.assertEqual({(app, flags) for app, _, _, flags in self.desktop.inhibited}, {(NAME, SUSPEND)})
        wait_for("sleep to be allowed again", lambda: self.desktop.released == list(
            range(1, len(self.desktop.inhibited) + 1)))

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
        self.open_preferences(p)
        self.page(p, "Storage and Privacy", DATA)
        p.screenshot("preferences-privacy", whole=True)
        p.press("_Delete All Chats… Delete All Chats…")
        p.press("_Delete All Delete All")
        wait_for("the chats to be gone", lambda: query("SELECT count(*) FROM messages") == [(0,)])
        wait_for("none listed", lambda: not p.find("list item", contains="marmalade"))
        self.end_by_signal()
        # Not a word is left in the files.
        for folder, _, names in os.walk(os.environ["XDG_DATA_HOME"]):
            for name in names:
                with open(os.path.join(folder, name), "rb") as f:
                    self.assertNotIn(b"marmalade", f.read(), name)
        snapshots = os.path.join(os.environ["XDG_CACHE_HOME"], "longwave", "kv")
        if os.path.isdir(snapshots):
            left = [n for n in os.listdir(snapshots) if os.path.getsize(os.path.join(snapshots, n))]
            self.assertEqual(left, [])


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    program = unittest.main(exit=False, verbosity=2)
    sys.exit(0 if program.result.wasSuccessful() else 1)
