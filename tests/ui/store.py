# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversations written into the program's database while it is not running."""

import contextlib
import os
import sqlite3
import time

PATH = os.path.join(os.environ["XDG_DATA_HOME"], "longwave", "longwave.db")


@contextlib.contextmanager
def connect():
    """Closed at the end of the block: Python leaves that to its garbage collector, and while somebody has it open the
    program's end leaves the log; what is read after the file was copied meanwhile is wrong then."""
    db = sqlite3.connect(PATH, timeout=20)
    try:
        with db:
            yield db
    finally:
        db.close()


def add_chat(chat, title, messages, updated=None):
    """messages: (role, text) with role "user" or "assistant", in order."""
    updated = updated or time.time()
    with connect() as db:
        db.execute("INSERT INTO conversations (id, title, created, updated) VALUES (?, ?, ?, ?)",
                   (chat, title, int(updated * 1e6), int(updated * 1e6)))
        columns = {row[1] for row in db.execute("PRAGMA table_info(messages)")}
        parent = None
        for i, (role, text) in enumerate(messages):
            name = f"{chat}-{i}"
            db.execute("INSERT INTO messages (id, conversation, position, role, state, text, created,"
                       " tokens_per_second) VALUES (?, ?, ?, ?, 0, ?, ?, ?)",
                       (name, chat, i, 1 if role == "user" else 2, text, int(updated * 1e6) + i,
                        20 if role == "assistant" else 0))
            if "parent" in columns:
                db.execute("UPDATE messages SET parent = ? WHERE id = ?", (parent, name))
            parent = name
        if "parent" in columns:
            db.execute("UPDATE conversations SET head = ? WHERE id = ?", (parent, chat))
