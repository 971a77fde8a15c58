# SPDX-License-Identifier: GPL-3.0-or-later
"""Driving a program through accessibility and the X server, always waiting for what should happen."""

import bisect
import os
import re
import select
import signal
import sqlite3
import subprocess
import time
import unittest

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

DEADLINE = float(os.environ.get("LW_UI_DEADLINE", "60"))  # seconds any single thing may take on a busy machine

Atspi.init()
# A button whose press is not answered in time counts as not pressed, and would be pressed again.
Atspi.set_timeout(10000, 20000)

# What does not say yet what it should, while it is made: a tree that changes, a window, a file or a table that is
# not there, a database that is written.
NOT_YET = (GLib.Error, subprocess.CalledProcessError, FileNotFoundError, sqlite3.OperationalError)


class Missing(AssertionError):
    pass


def wait_for(what, probe, deadline=DEADLINE):
    """The first true value of probe(); errors of what is being made count as not yet."""
    end = time.monotonic() + deadline
    last = None
    while time.monotonic() < end:
        try:
            value = probe()
            if value:
                return value
        except NOT_YET as error:
            last = error
        context = GLib.MainContext.default()
        while context.iteration(False):
            pass
        time.sleep(0.05)
    raise Missing(f"waited {deadline} s for {what}" + (f" ({last})" if last else ""))


def next_line(stream, deadline=DEADLINE):
    """What a helper program says next, one line at a time; it may never say it."""
    if not select.select([stream], [], [], deadline)[0]:
        raise Missing(f"waited {deadline} s for a line of a helper program")
    return stream.readline()


def run(*args, timeout=2 * DEADLINE, **kwargs):
    """What a command prints; xdotool may wait for ever for a window that is gone."""
    return subprocess.run(args, check=True, capture_output=True, text=True, timeout=timeout, **kwargs).stdout.strip()


def walk(node):
    """The node and all below it; what vanishes meanwhile is left out."""
    try:
        yield node
        children = [node.get_child_at_index(i) for i in range(node.get_child_count())]
    except GLib.Error:
        return
    for child in children:
        if child is not None:
            yield from walk(child)


def role(node):
    return node.get_role_name()


def showing(node):
    """GTK 4.8 gives SHOWING to windows only; a widget that has no size is not shown either."""
    if not node.get_state_set().contains(Atspi.StateType.VISIBLE):
        return False
    try:
        box = Atspi.Component.get_extents(node, Atspi.CoordType.WINDOW)
    except GLib.Error:  # no component
        return False
    return box.width > 0 and box.height > 0


def pressed(node):
    return node.get_state_set().contains(Atspi.StateType.PRESSED)


def has_text(node):
    return any(role(n) == "label" for n in walk(node))


def sensitive(node):
    return node.get_state_set().contains(Atspi.StateType.SENSITIVE)


def press(node):
    """Do what a click does; FALSE when it is nothing that can be clicked."""
    try:
        return Atspi.Action.get_n_actions(node) > 0 and Atspi.Action.do_action(node, 0)
    except GLib.Error:
        return False


def text_of(node):
    return Atspi.Text.get_text(node, 0, Atspi.Text.get_character_count(node))


def number(text):
    """"30,720" as it is shown."""
    return int(text.replace(",", ""))


def name_places(text):
    """Places of a stack in our own program, longwave+0x1234, by the names of its functions."""
    symbols = []
    for line in run("nm", "-n", os.environ["LW_APP"]).splitlines():
        at, kind, name = line.rsplit(maxsplit=2) if line.count(" ") == 2 else (None, None, None)
        if kind and kind in "tT":
            symbols.append((int(at, 16), name))

    def name(match):
        place = int(match[1], 16)
        i = bisect.bisect_right(symbols, (place, "\xff")) - 1
        return f"longwave:{symbols[i][1]}" if i >= 0 else match[0]

    return re.sub(r"longwave\+0x([0-9a-f]+)", name, text)


SETTINGS = os.path.join(os.environ["XDG_CONFIG_HOME"], "glib-2.0", "settings", "keyfile")
SECTION = "[io/github/longwave/Longwave]"


def settings():
    """What the window has kept of its settings, as lines key=value; nothing at first."""
    if not os.path.exists(SETTINGS):
        return []
    with open(SETTINGS, encoding="utf-8") as f:
        return f.read().splitlines()


def set_key(key, value):
    """While the program does not run."""
    lines = [line for line in settings() if not line.startswith(key + "=")]
    if SECTION not in lines:
        lines.append(SECTION)
    lines.insert(lines.index(SECTION) + 1, f"{key}={value}")
    os.makedirs(os.path.dirname(SETTINGS), exist_ok=True)
    with open(SETTINGS, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")


class Program:
    """One run of the window."""

    last = None

    def __init__(self, *args, prepare=None, wrapper=(), **environment):
        """prepare: called in the new process before the program starts; wrapper: a command that becomes the
        program it is given."""
        self.log = open(os.path.join(os.environ["TMPDIR"], "longwave.log"), "w+")
        env = dict(os.environ, LW_WATCHDOG="1", **environment)
        Program.last = self
        self.process = subprocess.Popen(
            [*wrapper, os.environ["LW_APP"], *args], env=env, stderr=self.log, stdout=self.log,
            preexec_fn=prepare, restore_signals=prepare is None
        )
        self.app = wait_for("the program on the accessibility bus", self._find_app)
        self.window = wait_for("the X window", self._find_window)
        wait_for("the question field", lambda: self.find("text", environment.get("LW_QUESTION", "Question")))
        run("xdotool", "windowfocus", "--sync", self.window)

    def _find_app(self):
        assert self.process.poll() is None, "the program ended: " + self.output()
        desktop = Atspi.get_desktop(0)
        for i in range(desktop.get_child_count()):
            app = desktop.get_child_at_index(i)
            if app and app.get_process_id() == self.process.pid and app.get_child_count():
                return app
        return None

    def _windows(self):
        return subprocess.run(
            ["xdotool", "search", "--onlyvisible", "--pid", str(self.process.pid)],
            capture_output=True,
            text=True,
        ).stdout.split()

    def _find_window(self):
        found = self._windows()
        return found[-1] if found else None

    def wait_for_one_window(self):
        """By the X server: GTK 4.8 crashes when it is asked for its windows while one of them goes."""
        self.window = wait_for("one window", lambda: len(w := self._windows()) == 1 and w[0])

    def output(self):
        self.log.flush()
        with open(self.log.name) as log:
            return log.read()

    # -- Finding --

    def find_all(self, wanted_role=None, name=None, contains=None):
        result = []
        for node in walk(self.app):
            try:
                if wanted_role and role(node) != wanted_role:
                    continue
                label = node.get_name() or ""
            except GLib.Error:
                continue
            if name is not None and label != name:
                continue
            if contains is not None and contains not in label:
                continue
            if showing(node):
                result.append(node)
        return result

    def find(self, wanted_role=None, name=None, contains=None):
        found = self.find_all(wanted_role, name, contains)
        return found[0] if found else None

    def get(self, wanted_role=None, name=None, contains=None):
        return wait_for(
            f"{wanted_role or 'something'} {name or contains!r}",
            lambda: self.find(wanted_role, name, contains),
        )

    # -- Acting --

    def press(self, name):
        """A menu button is two buttons of one name, and only the inner one can be pressed; a dialog's own "Close"
        comes before those of the windows' bars, which hold nothing but an icon."""
        wait_for(
            f"the button {name!r} to be usable",
            lambda: any(press(b) for b in sorted(self.find_all(name=name), key=lambda b: not has_text(b))
                        if "button" in role(b) and sensitive(b)),
        )

    def question(self):
        return self.get("text", "Question")

    def details(self):
        """What the tooltips of the footers say."""
        return [n.get_description() for n in self.find_all("label", contains="token") if n.get_description()]

    def write(self, text):
        field = self.question()
        at = Atspi.Text.get_character_count(field)
        Atspi.EditableText.insert_text(field, at, text, len(text.encode()))
        wait_for("the text in the field", lambda: text in text_of(self.question()))

    def select(self, row):
        """Choose a row of a list: by its action, or where it has none with a click in its middle."""
        for i in range(Atspi.Action.get_n_actions(row)):
            if "select" in Atspi.Action.get_action_name(row, i):
                Atspi.Action.do_action(row, i)
                return
        box = Atspi.Component.get_extents(row, Atspi.CoordType.WINDOW)
        run("xdotool", "mousemove", "--window", self.window, str(box.x + box.width // 3),
            str(box.y + box.height // 2), "click", "1")

    def key(self, *keys, deadline=DEADLINE):
        run("xdotool", "windowfocus", "--sync", self.window, timeout=deadline)
        run("xdotool", "key", *keys)

    def copy(self, kind, data):
        """Put bytes of a MIME type on the clipboard.  xclip returns before the X server knows of it: until it does, a
        program asks for what was on it before, and gets this in the wrong type."""
        def served():
            try:
                held = subprocess.run(["xclip", "-selection", "clipboard", "-t", kind, "-o"], stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL, timeout=5)
            except subprocess.TimeoutExpired:
                return False
            return held.stdout == data

        subprocess.run(["xclip", "-selection", "clipboard", "-t", kind], input=data, check=True,
                       stdout=subprocess.DEVNULL)
        wait_for(f"{kind} on the clipboard", served)

    def pasted(self):
        """What the field and its attachments hold."""
        return text_of(self.question()), [n.get_name() for n in self.find_all(contains="Remove ")]

    def paste(self, kind, data, what, arrived):
        """Put bytes of a MIME type on the clipboard and press Ctrl+V; again when the window had not heard yet of
        what is on it, which nothing at all came of."""
        self.copy(kind, data)
        before = self.pasted()
        for deadline in (10, 10, DEADLINE):
            if self.pasted() == before:
                self.key("ctrl+v")
            try:
                return wait_for(what, arrived, deadline)
            except Missing:
                if deadline == DEADLINE:
                    raise

    def type_over(self, text, *keys):
        """Type in the place of what the field that has the focus holds, again when the window was not ready for it;
        then press the keys."""
        def fields():
            return [n for n in walk(self.app) if "text" in role(n)
                    and n.get_state_set().contains(Atspi.StateType.FOCUSED)]

        def typed():
            if not fields():
                return False
            run("xdotool", "key", "ctrl+a")
            run("xdotool", "type", "--delay", "1", text)
            try:
                return wait_for("it in the field", lambda: any(text_of(n) == text for n in fields()), 8)
            except Missing:
                return False

        wait_for(f"{text!r} to be typed", typed)
        if keys:
            run("xdotool", "key", *keys)

    def type_file_name(self, button, path):
        """Into a file dialog, which opens its entry with the first slash; again when it was not ready for it."""
        wait_for("the file dialog", lambda: self.find("push button", contains=button))

        def typed():
            run("xdotool", "key", "ctrl+a")
            run("xdotool", "type", path)
            try:
                return wait_for("it in the entry", lambda: any(
                    text_of(n) == path for n in walk(self.app) if "text" in role(n)), 8)
            except Missing:
                return False

        wait_for(f"{path!r} to be typed", typed)
        run("xdotool", "key", "Return")

    def screenshot(self, name, whole=False):
        """whole: with the popovers, which are windows of their own."""
        folder = os.environ["LW_SCREENSHOTS"]
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, name + ".png")
        run("import", "-window", "root" if whole else self.window, path)

    def dump(self):
        """The tree as text, for a failed test."""
        lines = []

        def add(node, depth):
            flags = "" if showing(node) else " (hidden)"
            lines.append("  " * depth + f"{role(node)} {node.get_name()!r}{flags}")
            for i in range(node.get_child_count()):
                child = node.get_child_at_index(i)
                if child is not None:
                    add(child, depth + 1)

        try:
            add(self.app, 0)
        except GLib.Error as error:
            lines.append(error.message)
        return "\n".join(lines)

    # -- Ending --

    def quit(self):
        """By the keys, again when the window was not ready for them."""
        for deadline in (8, 8, DEADLINE):
            try:
                self.key("ctrl+q", deadline=deadline)
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
                pass  # the window is gone already
            try:
                return self.process.wait(deadline)
            except subprocess.TimeoutExpired:
                if deadline == DEADLINE:
                    raise

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class WindowTest(unittest.TestCase):
    """One run of the window after the other, in one home; a failure leaves a screenshot and what was there."""

    # The watchdog reports what takes more than 50 ms; its figures are those of the processor it calls the
    # reference, and what other programs do meanwhile makes them uncertain.
    longest_stall_ms = 50
    known_warnings = ()

    def launch(self, *args, **environment):
        self.program = Program(*args, **environment)
        self.addCleanup(self.program.process.wait)
        self.addCleanup(self.program.process.kill)
        return self.program

    def tearDown(self):
        outcome = self._outcome.result
        if not any(test is self for test, _ in outcome.failures + outcome.errors):
            return
        self.note("failed")
        p = Program.last
        if p:
            if p.process.poll() is None:
                p.screenshot("failed-" + self._testMethodName, whole=True)
                print(p.dump())
            print(p.output())

    def drag_source(self, target, *paths):
        """A window that files can be dragged from, to drop them on the X window `target`: (process, X window).  It
        says on its output when a drag begins and ends."""
        source = subprocess.Popen([os.environ["LW_DRAG_SOURCE"], target, *paths], stdout=subprocess.PIPE, text=True)
        self.addCleanup(source.stdout.close)
        self.addCleanup(source.wait)
        self.addCleanup(source.kill)
        return source, wait_for("the window to drag from", lambda: run(
            "xdotool", "search", "--onlyvisible", "--name", "Drag source").split())[-1]

    def drag(self, target, *paths):
        """Take files from a window at the right, with the mouse, again when it was not ready for it.  The one who
        calls moves on, and drops them with drop()."""
        source, window = self.drag_source(target, *paths)
        run("xdotool", "windowmove", "--sync", window, "1060", "300")
        for deadline in (5, 5, DEADLINE):
            run("xdotool", "mousemove", "1140", "380", "mousedown", "1")
            for x in range(1130, 1050, -20):
                run("xdotool", "mousemove", str(x), "380")
            try:
                self.assertEqual(next_line(source.stdout, deadline), "drag begun\n")
                return source
            except Missing:
                if deadline == DEADLINE:
                    raise
                run("xdotool", "mouseup", "1")

    def drop(self, source, x, y):
        """What drag() took."""
        run("xdotool", "mousemove", str(x - 5), str(y - 1))
        run("xdotool", "mousemove", str(x), str(y))
        run("xdotool", "mouseup", "1")
        self.assertEqual(next_line(source.stdout), "drag ended\n")
        source.kill()

    def end(self):
        """The window is closed as with the keyboard; nothing was complained about."""
        self.assertEqual(self.program.quit(), 0, self.program.output())
        self.check_log()

    def end_by_signal(self):
        """As at the end of a desktop session: nobody here gives a window the focus back for a key."""
        self.program.process.terminate()
        self.assertEqual(self.program.process.wait(60), 0, self.program.output())
        self.check_log()

    def check_log(self):
        # GTK 4.8's own, when a dialog leaves the accessibility tree, and when what was pressed is gone; and a long
        # answer's notification where no desktop takes it.
        known = re.compile(r"g_variant_\w+object_path|Broken accounting of active state|"
                           r"unable to send notifications through org.freedesktop.Notifications"
                           + "".join("|" + w for w in self.known_warnings))
        self.assertEqual([line for line in self.program.output().splitlines()
                          if re.search(r"CRITICAL|WARNING|ERROR", line) and not known.search(line)], [],
                         self.program.output())
        # app/lw-watchdog.h says what is a fault: the program's own computing and waiting, never the machine's.
        watched = [line for line in self.program.output().splitlines() if line.startswith("watchdog: ")]
        self.assertTrue(watched, "the watchdog did not run")
        stalls = name_places("\n".join(line for line in watched if "stall of" in line or "fault: " in line))
        if stalls:
            print(f"{self._testMethodName}: {watched[-2]}\n{stalls}")
        faults = [int(ms) for ms in re.findall(r"watchdog: fault: it \w+ for (\d+) ms", stalls)]
        for ms in faults:
            if ms > self.longest_stall_ms:
                self.too_slow(f"a stall of {ms} ms, {self.longest_stall_ms} are allowed", stalls)

    def too_slow(self, what, details=""):
        """Something took too long.  Once, it may have been the machine: run-headless runs the whole script again,
        and what is too slow in the same test each time fails."""
        if not self.note("slow"):
            self.fail(f"{what}\n{details}")
        print(f"{self._testMethodName}: {what}")

    def note(self, what):
        """Tell run-headless of this test; FALSE when it is not there."""
        notes = os.environ.get("LW_TEST_NOTES")
        if notes:
            with open(notes, "a") as f:
                f.write(f"{what} {self._testMethodName}\n")
        return bool(notes)
