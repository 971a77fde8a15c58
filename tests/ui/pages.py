# SPDX-License-Identifier: GPL-3.0-or-later
"""Every page and dialog, wide and at 360 pixels: all that can have the focus has a name, every picture a
description, and nothing is wider than its window.

Also the pictures of build-aux/screenshots: LW_LOOK names a look, and its pictures get that name; LW_LOOK_WIDTH
and _HEIGHT are its size, and LW_LOOK_ENV what the program finds in its environment, such as A=b C=d.
"""

import os
import re
import sys
import time
import unittest

from desktop import (Atspi, Missing, Program, WindowTest, press, role, run, showing, text_of, wait_for, walk)
import store

OURS = os.path.join(os.environ["LW_DEFAULT_MODEL_FOLDER"], "longwave-mini.gguf")
TMP = os.environ["TMPDIR"]
LOOK = os.environ.get("LW_LOOK", "")
WIDTH = int(os.environ.get("LW_LOOK_WIDTH", "0"))  # 0: both 1024 and 360
HEIGHT = int(os.environ.get("LW_LOOK_HEIGHT", "720"))

MARKDOWN = r"""# A short tour

This is *emphasis*, **strong**, `inline code` and a [link](https://example.org/). The area is $\pi r^2$, and \
averyveryverylongwordthatdoesnotfitanynarrowwindowbecauseitisnotaworditallbutonlyletters goes on.

1. First
2. Second, with more:
   - a point
   - another one

> A quotation of
> two lines.

```python
def area(radius):
    # of a circle, with a comment that is longer than the window is wide
    return 3.14159 * radius ** 2
```

| Planet | Moons | Note |
|:-------|------:|:----:|
| Mars   | 2     | red, because of the iron oxide in its soil and its dust |
| Saturn | 146   | rings |

$$
x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}
$$

- [x] done
- [ ] open

The end.
"""

# Roles that only hold others; a focus that rests there comes from GTK, which moves it on.
HOLDERS = {"filler", "panel", "scroll pane", "viewport", "frame", "window", "application", "page tab list",
           "unknown", "grouping", "redundant object", "section", "form", "landmark"}


def state(node, which):
    return node.get_state_set().contains(getattr(Atspi.StateType, which))


def name_of(node):
    """GTK 4.8 gives the name of the class to what has none of its own."""
    name = node.get_name() or ""
    return "" if re.match(r"(Gtk|Adw|Lw)[A-Z]\w+$", name) else name


def path_of(node):
    parts = []
    while node is not None and role(node) != "application":
        parts.append(role(node) + (f" {node.get_name()!r}" if node.get_name() else ""))
        node = node.get_parent()
    return " < ".join(parts[:7])


def decorates(node):
    """An arrow or a mark inside a row, a button or a tab that has a name."""
    for _ in range(6):
        node = node.get_parent()
        if node is None:
            return False
        if state(node, "FOCUSABLE") and said(node):
            return True
        # libadwaita's own pages, where the picture stands above the title.
        if name_of(node) and role(node) == "panel":
            return True
    return False


def nameless(root):
    """What can have the focus, or is a picture, and has nothing a screen reader could say."""
    found = []
    for node in walk(root):
        if not showing(node):
            continue
        kind = role(node)
        if kind in ("frame", "dialog", "window") and not name_of(node):
            found.append("a window without a title: " + kind)
        if re.search(r"^_|^(.+) \1$", name_of(node)) and "button" in kind:
            found.append("said twice, or with its underscore: " + path_of(node))
        if "button" in kind and name_of(node):
            labels = [r.get_target(i).get_name() for r in node.get_relation_set()
                      if r.get_relation_type() == Atspi.RelationType.LABELLED_BY for i in range(r.get_n_targets())]
            if any(re.match(r"(Gtk|Adw|Lw)[A-Z]\w+$", label or "") for label in labels):
                found.append(f"said as {labels}: " + path_of(node))
        if kind in ("image", "icon"):
            if not (name_of(node) or node.get_description() or decorates(node)):
                found.append(path_of(node))
        elif state(node, "FOCUSABLE") and kind not in HOLDERS and not said(node):
            found.append(path_of(node))
        elif kind in ("invalid", "unknown") and state(node, "FOCUSABLE"):
            found.append("no role: " + path_of(node))
    return found


def said(node):
    if name_of(node):
        return True
    if role(node) == "label":
        return bool(text_of(node))
    # A button without a name of its own is read by its label.
    return any(role(n) == "label" and (name_of(n) or text_of(n)) for n in walk(node))


def too_wide(root, width):
    """What reaches over the edge; what scrolls sideways may."""
    found = []

    def look(node):
        if not showing(node):
            return
        if node.get_name() == "AdwSqueezer":  # tells the sizes of what it does not show as well
            return
        box = Atspi.Component.get_extents(node, Atspi.CoordType.WINDOW)
        if (box.x + box.width <= 0 or box.x >= width) and node.get_parent().get_name() == "AdwFlap":
            return  # the sidebar that is folded away
        if box.x + box.width > width + 1 or box.x < -1:
            found.append(f"{box.x}+{box.width} of {width}: {path_of(node)}")
            return
        for i in range(node.get_child_count()):
            child = node.get_child_at_index(i)
            if role(node) == "push button":  # a popover is a window of its own
                return
            if child is not None and role(node) != "scroll pane":
                look(child)
            elif child is not None:
                inner = Atspi.Component.get_extents(child, Atspi.CoordType.WINDOW)
                if inner.width <= box.width:
                    look(child)
    look(root)
    return found


class Pages(WindowTest):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.picture = os.path.join(TMP, "red circle.png")
        run("convert", "-size", "640x320", "xc:white", "-fill", "#d03030", "-draw", "circle 320,160 320,60",
            cls.picture)
        cls.film = os.path.join(TMP, "moving.mp4")
        run("ffmpeg", "-loglevel", "error",
            "-f", "lavfi", "-i", "color=c=white:size=448x336:rate=8:duration=8",
            "-f", "lavfi", "-i", "color=c=blue:size=84x84:rate=8:duration=8",
            "-filter_complex", "overlay=x=20+40*t:y=126", "-pix_fmt", "yuv420p", cls.film)
        cls.document = os.path.join(TMP, "notes about the garden.md")
        with open(cls.document, "w") as f:
            f.write("# Garden\n\nThe roses want water on Mondays.\n" * 20)
        p = Program(LW_DEFAULT_MODEL=OURS, **cls.environment())
        p.quit() if not WIDTH else p.kill()

    @classmethod
    def environment(cls):
        return dict(pair.split("=") for pair in os.environ.get("LW_LOOK_ENV", "").split())

    def start(self, *args):
        self.names = {}
        return self.launch(*args, LW_DEFAULT_MODEL=OURS, **self.environment())

    def set_width(self, width, more=""):
        path = os.path.join(os.environ["XDG_CONFIG_HOME"], "glib-2.0", "settings", "keyfile")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        lines = ""
        if os.path.exists(path):
            with open(path) as f:
                lines = f.read()
        if "[io/github/longwave/Longwave]" not in lines:
            lines += "[io/github/longwave/Longwave]\n"
        lines = re.sub(r"(window-width|window-height|context-tokens)=\d+\n", "", lines)
        lines = lines.replace("[io/github/longwave/Longwave]\n", "[io/github/longwave/Longwave]\n"
                              f"window-width={width}\nwindow-height={HEIGHT}\n{more}")
        with open(path, "w") as f:
            f.write(lines)
        self.width = width

    def dialog(self, p):
        """The X window that opened last."""
        def other():
            found = run("xdotool", "search", "--onlyvisible", "--pid", str(p.process.pid)).split()
            return [w for w in found if w != p.window]
        return wait_for("the dialog's X window", other)[-1]

    def visit(self, p, name, window=None, whole=False):
        """Look at what is open."""
        wanted = min(self.width, 1280)
        if window and self.width <= 400:
            run("xdotool", "windowsize", "--sync", window, str(self.width), str(HEIGHT))
            wanted = self.width
        run("sleep", "0.3") if LOOK else None  # pictures without half a fade; nothing waits for it in a test
        folder = os.environ["LW_SCREENSHOTS"]
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "-".join(filter(None, ["page", name, LOOK or str(self.width)])) + ".png")
        run("import", "-window", "root" if whole else window or p.window, path)
        self.complaints += [f"{name} at {self.width}: {line}" for line in nameless(p.app)]
        for i in range(p.app.get_child_count()):
            top = p.app.get_child_at_index(i)
            if top and role(top) in ("frame", "dialog", "window") and showing(top):
                box = Atspi.Component.get_extents(top, Atspi.CoordType.WINDOW)
                self.complaints += [f"{name} at {self.width}: {line}" for line in too_wide(top, box.width)]
                if self.width <= 400 and box.width > wanted:
                    self.complaints.append(f"{name} at {self.width}: the window is {box.width} wide")

    def close(self, p, sign):
        run("xdotool", "key", "Escape")
        wait_for("the dialog to close", lambda: not sign())

    def test_pages(self):
        self.complaints = []
        first = True
        for width in [WIDTH] if WIDTH else [1024, 360]:
            self.set_width(width)
            self.walk_through(first)
            first = False
        self.assertEqual("\n".join(sorted(set(self.complaints))), "")

    def test_measures(self):
        """What takes the time when a page of preferences is opened: texts broken into lines, again and again."""
        lines = [line.split() for line in run(os.environ["LW_MEASURES"]).splitlines()]
        (_, plain, height), (_, quick, same) = lines
        print(f"texts of a page are broken into lines {plain} times, with app/lw-quick-layout {quick}")
        self.assertLess(int(quick) * 2, int(plain))
        self.assertEqual(same, height, "it looks the same")

    def menu_of(self, p, box):
        """A right click on a chat's row; again when the window was not ready for the first."""
        for deadline in (8, 8, 40):
            run("xdotool", "windowfocus", "--sync", p.window, "mousemove", "--window", p.window,
                str(box.x + box.width // 2), str(box.y + box.height // 2), "click", "3")
            try:
                return wait_for("the chat's menu", lambda: p.find("menu item", "Rename…"), deadline)
            except Missing:
                if deadline == 40:
                    raise

    def walk_through(self, first):
        p = self.start()
        if first:
            p.get("label", "What would you like to know?")
            self.visit(p, "welcome")
            self.end_by_signal()
            now = time.time()
            store.add_chat("tour", "The tour", [("user", "Show me everything"), ("assistant", MARKDOWN)], now - 60)
            store.add_chat("plans", "Old plans of a very long walk through the rain", [
                ("user", "The albatross plan"), ("assistant", "It is old.")], now - 40 * 86400)
            p = self.start(self.picture)
            p.get(contains="Remove red circle.png")
            p.write("What is in this picture?")
            p.press("Send")
            wait_for("the answer", lambda: p.find("push button", "Send") and p.find("label", contains="tokens/s"))
            run(os.environ["LW_APP"], self.film)
            p.get(contains="Remove moving.mp4")
            p.write("What moves?")
            p.press("Send")
            wait_for("the second answer", lambda: len(p.find_all("label", contains="tokens/s")) == 2)
        else:
            p.key("ctrl+n")
            p.get("label", "New Chat")
            self.visit(p, "empty")
        self.end_by_signal()

        p = self.start()
        if self.width <= 600:
            p.key("F9")
        p.get("list item", "The tour")
        self.visit(p, "sidebar")
        box = Atspi.Component.get_extents(p.get("list item", "The tour"), Atspi.CoordType.WINDOW)
        self.menu_of(p, box)
        self.visit(p, "chat-menu", whole=True)
        for entry, sign in (("Rename…", "Name"), ("Move to Folder…", "Folder")):
            wait_for(entry, lambda: press(p.find("menu item", entry)))
            p.get("text", sign)
            self.visit(p, sign.lower(), self.dialog(p))
            self.close(p, lambda: p.find("text", sign))
            self.menu_of(p, box)
        run("xdotool", "key", "Escape")
        wait_for("the menu to close", lambda: not p.find("menu item", "Rename…"))
        p.select(p.get("list item", "The tour"))
        wait_for("the last block", lambda: p.find("label", contains="The end."))
        self.visit(p, "markdown-end")
        # Not straight to where a menu was: GTK 4.8 takes the pointer to be in it still.
        run("xdotool", "mousemove", "--window", p.window, "60", "300")
        run("xdotool", "mousemove", "--window", p.window, str(self.width * 2 // 3), "300", "click", "--repeat", "30", "4")
        wait_for("its beginning", lambda: any(
            Atspi.Component.get_extents(n, Atspi.CoordType.WINDOW).y > 0
            for n in p.find_all("label", "A short tour")))
        self.visit(p, "markdown")
        p.key("F10")
        p.get(contains="About Longwave")
        self.visit(p, "menu", whole=True)
        p.key("Escape")
        p.press("Choose a model")
        p.get("push button", "Manage models")
        self.visit(p, "model-popover", whole=True)
        p.key("Escape")

        p.key("ctrl+f")
        run("xdotool", "type", "albatross")
        p.get("list item", contains=": The albatross plan")
        self.visit(p, "search")
        run("xdotool", "type", "zzz")
        p.get("label", "Nothing found")
        self.visit(p, "search-nothing")
        p.key("Escape")
        if self.width <= 600:
            p.key("F9")
        self.dialogs(p)
        self.end_by_signal()
        self.messages()

    def dialogs(self, p):
        p.key("ctrl+comma")
        p.get("list", "Appearance")
        window = self.dialog(p)
        for i, name in enumerate(["General", "Computer", "Storage and Privacy"]):
            if i:
                self.assertTrue(press(p.find("page tab", name)))
                p.get("label", ["", "Where Models Run", "Privacy"][i])
            self.visit(p, f"preferences-{i + 1}", window)
        self.close(p, lambda: p.find("page tab", "General"))

        p.key("ctrl+e")
        p.get("label", "Chat Settings")
        self.visit(p, "chat-settings", self.dialog(p))
        self.close(p, lambda: p.find("label", "Chat Settings"))

        p.key("ctrl+shift+m")
        p.get("list", "Comes with Longwave")
        wait_for("the speed", lambda: p.find("label", contains="fits"))
        window = self.dialog(p)
        self.visit(p, "models", window)
        p.press("Download…")
        p.get(name="Address of the model")
        self.visit(p, "address", whole=True)
        self.close(p, lambda: p.find(name="Address of the model"))
        run("xdotool", "windowfocus", "--sync", window, "key", "Escape")
        wait_for("the models to close", lambda: not p.find("list", "Comes with Longwave"))

        p.key("ctrl+question")
        p.get("label", contains="Keyboard shortcuts")
        self.visit(p, "shortcuts", self.dialog(p))
        self.look_at_shortcuts(p)
        self.close(p, lambda: p.find("label", contains="Keyboard shortcuts"))

        p.key("F10")
        press(wait_for("the item", lambda: p.find("menu item", "About Longwave")))
        p.get("label", contains="developers")
        self.visit(p, "about", self.dialog(p))
        self.close(p, lambda: p.find("label", contains="developers"))

    def look_at_shortcuts(self, p):
        """Every row is in the window, one below the other where it is narrow."""
        def places():
            return {name: Atspi.Component.get_extents(p.find("label", name), Atspi.CoordType.WINDOW)
                    for name in ("Stop the answer", "Show or hide the chats", "Undo deleting")}

        def inside():
            boxes = places().values()
            return all(0 <= b.x and b.x + b.width <= self.width for b in boxes)
        if self.width <= 600:
            wait_for("the shortcuts to be within the window", inside)
        else:
            self.assertGreater(places()["Show or hide the chats"].x, places()["Stop the answer"].x)

    def messages(self):
        """Attachments, banners, toasts, the picture in full."""
        p = self.start(self.picture, self.film, self.document)
        p.get(contains="Remove notes about the garden.md")
        wait_for("the costs", lambda: len([n for n in p.find_all("label")
                                           if re.match(r"[\d,]+ tokens$", text_of(n))]) == 3)
        p.write("What is this?\nAnd what is that?")
        self.visit(p, "attachments")
        odd = os.path.join(TMP, "odd file with a long name.bin")
        with open(odd, "wb") as f:
            f.write(b"abc\0def")
        run(os.environ["LW_APP"], odd)
        p.get("label", contains="odd file")
        self.visit(p, "banner")
        banner = wait_for("the banner's close button", lambda: next(
            (n for n in p.find_all("push button", "Close") if "GtkInfoBar" in path_of(n)), None))
        self.assertTrue(press(banner))
        if self.width <= 600:
            p.key("F9")
        p.select(p.get("list item", contains="What is in this picture?"))
        wait_for("the film", lambda: p.find("push button", contains="Film moving.mp4"))
        tile = wait_for("the picture", lambda: p.find("push button", contains="Picture red circle.png"))
        self.visit(p, "chat")
        self.assertTrue(press(tile))
        p.get(name="Open in another program")
        self.visit(p, "viewer", self.dialog(p))
        self.close(p, lambda: p.find(name="Open in another program"))
        row = p.find_all("list item", contains="Longwave: ")[-1]
        wait_for("its Delete button", lambda: any(
            press(n) for n in walk(row) if n.get_name() == "Delete message" and showing(n)))
        p.get("label", "1 message deleted")
        self.visit(p, "toast")
        p.press("Undo")
        row = wait_for("the question", lambda: p.find("list item", contains="You: "))
        wait_for("its Edit button", lambda: any(
            press(n) for n in walk(row) if n.get_name() == "Edit question" and showing(n)))
        p.get("label", "Editing an earlier question")
        self.visit(p, "editing")
        self.end_by_signal()

        self.set_width(self.width, "context-tokens=256\n")
        p = self.start()
        p.key("ctrl+n")
        p.get("label", "New Chat")
        p.write("Sum: " + " ".join(str(i) for i in range(200)))
        p.press("Send")
        p.get("push button", "Larger Context")
        self.visit(p, "full-context")
        self.end_by_signal()
        self.set_width(self.width)


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    program = unittest.main(exit=False, verbosity=2)
    sys.exit(0 if program.result.wasSuccessful() else 1)
