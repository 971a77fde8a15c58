# SPDX-License-Identifier: GPL-3.0-or-later
"""mock_portal.py RESPONSE [URI]: the desktop's screenshot portal on the session bus, as a program sees it.

RESPONSE is what a request ends with: 0 taken, 1 the user said no, 2 it failed.  Says "ready" once it is there,
and for each request a line with the parent window and whether the user was to choose."""
import sys

from gi.repository import Gio, GLib

NAME, PATH = "org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop"
INTERFACES = """
<node>
  <interface name="org.freedesktop.portal.Screenshot">
    <method name="Screenshot">
      <arg type="s" name="parent_window" direction="in"/>
      <arg type="a{sv}" name="options" direction="in"/>
      <arg type="o" name="handle" direction="out"/>
    </method>
    <property name="version" type="u" access="read"/>
  </interface>
</node>"""


def say(*words):
    print(*words, flush=True)


def call(connection, sender, path, interface, method, arguments, invocation):
    window, options = arguments.unpack()
    handle = f"{PATH}/request/{sender[1:].replace('.', '_')}/{options['handle_token']}"
    say("request", window or "-", bool(options.get("interactive")))
    invocation.return_value(GLib.Variant("(o)", (handle,)))
    results = {"uri": GLib.Variant("s", sys.argv[2])} if sys.argv[1] == "0" else {}
    connection.emit_signal(sender, handle, "org.freedesktop.portal.Request", "Response",
                           GLib.Variant("(ua{sv})", (int(sys.argv[1]), results)))


def version(*arguments):
    return GLib.Variant("u", 2)


def on_bus(connection, name):
    interface = Gio.DBusNodeInfo.new_for_xml(INTERFACES).interfaces[0]
    connection.register_object(PATH, interface, call, version, None)


Gio.bus_own_name(Gio.BusType.SESSION, NAME, Gio.BusNameOwnerFlags.NONE, on_bus, lambda *_: say("ready"),
                 lambda *_: sys.exit(1))
GLib.MainLoop().run()
