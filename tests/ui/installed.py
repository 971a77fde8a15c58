# SPDX-License-Identifier: GPL-3.0-or-later
"""What `meson install` puts into a system: every file in its place, valid and about the same program; and the
desktop's ways in (D-Bus activation, Open With, the search provider) really start it."""

import configparser
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import unittest
import xml.etree.ElementTree as ElementTree

from desktop import Atspi, role, run, showing, wait_for, walk

ID = "io.github.longwave.Longwave"
PATH = "/" + ID.replace(".", "/")
OURS = os.path.join(os.environ["LW_DEFAULT_MODEL_FOLDER"], "longwave-mini.gguf")
FIXTURES = os.environ["LW_FIXTURES"]
BUILD = os.environ["LW_BUILD"]
DESTDIR = os.path.join(os.environ["TMPDIR"], "installed")
OPTIONS = {o["name"]: o["value"] for o in json.loads(
    run("meson", "introspect", BUILD, "--buildoptions"))}
PREFIX = OPTIONS["prefix"]
SHARE = os.path.join(DESTDIR + PREFIX, OPTIONS["datadir"])
BINARY = os.path.join(DESTDIR + PREFIX, OPTIONS["bindir"], "longwave")
SYSTEM = "/usr/local/share:/usr/share"


def keyfile(path):
    parser = configparser.RawConfigParser(delimiters="=", strict=True)
    parser.optionxform = str
    with open(path, encoding="utf-8") as f:
        parser.read_file(f)
    return parser


def environment():
    """As a program sees it for which all of it is installed."""
    return dict(os.environ, XDG_DATA_DIRS=f"{SHARE}:{SYSTEM}",
                PATH=os.path.dirname(BINARY) + ":" + os.environ["PATH"], LC_ALL="C.UTF-8")


class Files(unittest.TestCase):
    def share(self, *parts):
        path = os.path.join(SHARE, *parts)
        self.assertTrue(os.path.isfile(path), path)
        return path

    def test_programs(self):
        for name in ("longwave", "lw"):
            path = os.path.join(os.path.dirname(BINARY), name)
            self.assertTrue(os.access(path, os.X_OK), path)
            self.assertRegex(run(path, "--version"), r"\d+\.\d+")
        for path in (("man", "man1", "lw.1"), ("bash-completion", "completions", "lw"),
                     ("zsh", "site-functions", "_lw"), ("fish", "vendor_completions.d", "lw.fish"),
                     ("longwave", "model", "longwave-mini.gguf"),
                     ("longwave", "model", "mmproj-longwave-mini.gguf")):
            self.share(*path)
        for language in ("de", "zh_CN"):
            self.share("locale", language, "LC_MESSAGES", "longwave.mo")

    def test_desktop_file(self):
        path = self.share("applications", ID + ".desktop")
        self.assertEqual(run("desktop-file-validate", path), "")
        entry = keyfile(path)["Desktop Entry"]
        self.assertEqual(entry["Icon"], ID)
        self.assertEqual(entry["DBusActivatable"], "true")
        self.assertEqual(entry["Exec"].split()[0], os.path.basename(BINARY))
        self.assertIn("%F", entry["Exec"])
        for key in ("GenericName", "Comment", "Keywords"):
            for language in ("de", "zh_CN"):
                self.assertIn(f"{key}[{language}]", entry)
        types = [t for t in entry["MimeType"].split(";") if t]
        for wanted in ("image/png", "image/jpeg", "image/webp", "video/mp4", "video/webm", "video/x-matroska",
                       "application/x-gguf"):
            self.assertIn(wanted, types)
        self.mime_database()
        # A type that nobody has heard of is never offered.
        with open("/usr/share/mime/types", encoding="ascii") as f, \
                open(os.path.join(SHARE, "mime", "types"), encoding="ascii") as ours, \
                open("/usr/share/mime/aliases", encoding="ascii") as aliases:
            known = {*f.read().split(), *ours.read().split(), *aliases.read().split()}
        self.assertEqual([t for t in types if t not in known], [])
        # The desktop finds the program for them.
        run("update-desktop-database", os.path.dirname(path))
        for kind in ("application/x-gguf", "image/png", "video/mp4"):
            offered = run("gio", "mime", kind, env=environment())
            self.assertIn(ID + ".desktop", offered)

    def mime_database(self):
        self.share("mime", "packages", ID + ".xml")
        run("update-mime-database", os.path.join(SHARE, "mime"))

    def test_gguf_is_known(self):
        """By its name, and by its first bytes where the name says nothing."""
        self.mime_database()
        folder = os.path.join(os.environ["TMPDIR"], "kinds")
        os.makedirs(folder)
        for name in ("tiny.gguf", "TINY.GGUF", "sha256-blob"):
            path = os.path.join(folder, name)
            shutil.copy(os.path.join(FIXTURES, "llama.gguf"), path)
            kind = run("gio", "info", "-a", "standard::content-type", path, env=environment())
            self.assertIn("standard::content-type: application/x-gguf", kind, name)

    def test_activation_and_search(self):
        service = keyfile(self.share("dbus-1", "services", ID + ".service"))["D-BUS Service"]
        self.assertEqual(service["Name"], ID)
        program, argument = service["Exec"].split()
        self.assertEqual(DESTDIR + program, BINARY)
        self.assertEqual(argument, "--gapplication-service")
        search = keyfile(self.share("gnome-shell", "search-providers", ID + ".search-provider.ini"))
        search = search["Shell Search Provider"]
        self.assertEqual((search["DesktopId"], search["BusName"]), (ID + ".desktop", ID))
        self.assertEqual(search["Version"], "2")
        self.assertEqual(search["ObjectPath"], PATH + "/SearchProvider")

    def test_metainfo(self):
        path = self.share("metainfo", ID + ".metainfo.xml")
        done = subprocess.run(["appstreamcli", "validate", "--no-net", "--pedantic", path],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)
        root = ElementTree.parse(path).getroot()
        self.assertEqual(root.findtext("id"), ID)
        self.assertEqual(root.findtext("launchable"), ID + ".desktop")
        self.assertIn("application/x-gguf", [n.text for n in root.iter("mediatype")])
        self.assertTrue(root.findall("summary[@{http://www.w3.org/XML/1998/namespace}lang='de']"))

    def test_schema(self):
        path = self.share("glib-2.0", "schemas", ID + ".gschema.xml")
        target = os.path.join(os.environ["TMPDIR"], "schemas")
        os.makedirs(target)
        run("glib-compile-schemas", "--strict", f"--targetdir={target}", os.path.dirname(path))
        keys = run("gsettings", "list-keys", ID, env=dict(os.environ, GSETTINGS_SCHEMA_DIR=target))
        self.assertIn("snapshot-gigabytes", keys.split())

    def test_icons(self):
        for folder, name in (("scalable", ID), ("symbolic", ID + "-symbolic")):
            root = ElementTree.parse(self.share("icons", "hicolor", folder, "apps", name + ".svg")).getroot()
            self.assertTrue(root.tag.endswith("}svg"))
            width, height = (float(re.match(r"[\d.]+", root.get(k))[0]) for k in ("width", "height"))
            self.assertEqual(width, height)

    def test_language_specs(self):
        """The schema that the highlighter reads grammars with (app/lw-highlight.c)."""
        self.assertEqual(os.listdir(os.path.join(SHARE, "longwave", "language-specs")), ["language2.rng"])

    def test_nothing_else(self):
        """No file outside of the places above."""
        allowed = re.compile(
            r"bin/(longwave|lw)$|lib[^/]*(/[^/]+)?/longwave/lw-pictures\.so$|share/(applications|metainfo"
            r"|longwave/(model|language-specs)|dbus-1/services|gnome-shell/search-providers|mime/|glib-2\.0/schemas"
            r"|icons/hicolor/(scalable|symbolic)/apps|man/man1|bash-completion/completions"
            r"|zsh/site-functions|fish/vendor_completions\.d|locale/[A-Za-z_]+/LC_MESSAGES)")
        found = [os.path.relpath(os.path.join(folder, name), DESTDIR + PREFIX)
                 for folder, _, names in os.walk(DESTDIR) for name in names]
        self.assertEqual([f for f in found if not allowed.match(f)], [])


class Activation(unittest.TestCase):
    """The session bus of this test is told of the installed service, where it lies now."""

    @classmethod
    def setUpClass(cls):
        with open(os.path.join(SHARE, "dbus-1", "services", ID + ".service"), encoding="ascii") as f:
            text = f.read().replace("Exec=" + PREFIX, "Exec=" + DESTDIR + PREFIX)
        folder = os.path.join(os.environ["XDG_DATA_HOME"], "dbus-1", "services")
        os.makedirs(folder)
        with open(os.path.join(folder, ID + ".service"), "w", encoding="ascii") as f:
            f.write(text)
        schemas = os.path.join(SHARE, "glib-2.0", "schemas")
        run("glib-compile-schemas", schemas)
        variables = {"LW_DEFAULT_MODEL": OURS, "XDG_DATA_DIRS": f"{SHARE}:{SYSTEM}", "LW_WATCHDOG": "1"}
        run("gdbus", "call", "--session", "--dest", "org.freedesktop.DBus", "--object-path",
            "/org/freedesktop/DBus", "--method", "org.freedesktop.DBus.UpdateActivationEnvironment",
            "{" + ", ".join(f"'{k}': '{v}'" for k, v in variables.items()) + "}")
        run("gdbus", "call", "--session", "--dest", "org.freedesktop.DBus", "--object-path",
            "/org/freedesktop/DBus", "--method", "org.freedesktop.DBus.ReloadConfig")

    def call(self, method, *args, path=PATH):
        return run("gdbus", "call", "--session", "--dest", ID, "--object-path", path, "--method", method,
                   *args)

    def pid(self):
        told = run("gdbus", "call", "--session", "--dest", "org.freedesktop.DBus", "--object-path",
                   "/org/freedesktop/DBus", "--method", "org.freedesktop.DBus.GetConnectionUnixProcessID", ID)
        return int(re.search(r"uint32 (\d+)", told)[1])

    def app(self, pid):
        desktop = Atspi.get_desktop(0)
        for i in range(desktop.get_child_count()):
            app = desktop.get_child_at_index(i)
            if app and app.get_process_id() == pid and app.get_child_count():
                return app
        return None

    def nodes(self, pid):
        app = self.app(pid)
        return walk(app) if app else []

    def get(self, pid, what, matches):
        return wait_for(what, lambda: next((n for n in self.nodes(pid) if matches(n) and showing(n)), None))

    def quit(self, pid):
        os.kill(pid, signal.SIGTERM)
        wait_for("its end", lambda: not os.path.exists(f"/proc/{pid}"))

    def started(self):
        pid = self.pid()
        self.addCleanup(lambda: os.path.exists(f"/proc/{pid}") and os.kill(pid, signal.SIGKILL))
        self.assertEqual(os.readlink(f"/proc/{pid}/exe"), BINARY)
        return pid

    def test_activate(self):
        self.call("org.freedesktop.Application.Activate", "{}")
        pid = self.started()
        self.get(pid, "the question field", lambda n: role(n) == "text" and n.get_name() == "Question")
        # Again: the same program, the same window.
        self.call("org.freedesktop.Application.Activate", "{}")
        self.assertEqual(self.pid(), pid)
        self.assertEqual(sum(role(n) == "frame" for n in self.nodes(pid)), 1)
        # The action that the desktop file offers.
        self.call("org.freedesktop.Application.ActivateAction", "new-window", "[]", "{}")
        wait_for("a second window", lambda: sum(role(n) == "frame" for n in self.nodes(pid)) == 2)
        self.quit(pid)

    def test_open(self):
        """Open With: a picture is attached, a model is installed."""
        picture = os.path.join(os.environ["TMPDIR"], "a square.png")
        run("convert", "-size", "64x64", "xc:blue", picture)
        model = os.path.join(os.environ["TMPDIR"], "opened.gguf")
        shutil.copy(os.path.join(FIXTURES, "llama.gguf"), model)
        self.call("org.freedesktop.Application.Open", f"['file://{picture.replace(' ', '%20')}']", "{}")
        pid = self.started()
        self.get(pid, "the picture", lambda n: "Remove a square.png" in (n.get_name() or ""))
        self.call("org.freedesktop.Application.Open", f"['file://{model}']", "{}")
        link = os.path.join(os.environ["XDG_DATA_HOME"], "longwave", "models", "opened", "opened.gguf")
        wait_for("the model in the library", lambda: os.path.islink(link))
        self.get(pid, "the page of models", lambda n: "The file stays where it is" in (n.get_name() or ""))
        self.assertTrue(os.path.isfile(model))
        self.quit(pid)

    def test_search(self):
        """The shell asks for results: the program starts, answers, and shows no window."""
        search = keyfile(os.path.join(SHARE, "gnome-shell", "search-providers", ID + ".search-provider.ini"))
        path = search["Shell Search Provider"]["ObjectPath"]
        told = self.call("org.gnome.Shell.SearchProvider2.GetInitialResultSet", "['nothing', 'of', 'it']",
                         path=path)
        self.assertIn("@as []", told)
        pid = self.started()
        self.assertEqual(subprocess.run(["xdotool", "search", "--onlyvisible", "--pid", str(pid)],
                                        capture_output=True, text=True).stdout, "")
        self.quit(pid)


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    for tool in ("meson", "desktop-file-validate", "update-desktop-database", "update-mime-database",
                 "appstreamcli", "glib-compile-schemas", "gsettings", "gio", "gdbus"):
        if not shutil.which(tool):
            print(f"skipped: {tool} is not installed")
            sys.exit(77)
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", DESTDIR],
                   check=True, stdout=subprocess.DEVNULL)
    program = unittest.main(exit=False, verbosity=2)
    sys.exit(0 if program.result.wasSuccessful() else 1)
