#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chat, on a terminal."""
import os
import pty
import re
import select
import shutil
import signal
import sqlite3
import time

from lwtest import (ENV, LIMIT, LW, MMPROJ, MODEL, TMP, Skip, endless_model, fails, main, picture, test, works,
                    write)


class Chat:
    """lw run on a terminal of its own."""

    def __init__(self, *args, model=MODEL, env=None):
        self.seen = ""
        try:
            self.pid, self.fd = pty.fork()
        except OSError as e:
            raise Skip(f"no pseudo-terminals here: {e}") from e
        if self.pid == 0:
            os.execve(LW, [LW, "run", "-m", str(model), "--mmproj", str(MMPROJ), *map(str, args)],
                      {**ENV, "TERM": "xterm", **(env or {})})
        self.until("> ")

    def read(self):
        ready, _, _ = select.select([self.fd], [], [], LIMIT)
        assert ready, f"nothing came for {LIMIT} s after: {self.seen[-400:]!r}"
        try:
            data = os.read(self.fd, 4096)
        except OSError:  # the other side was closed
            data = b""
        self.seen += data.decode("utf-8", "replace")
        return bool(data)

    def until(self, text):
        """Wait for text; returns what came before it and forgets it."""
        while text not in self.seen:
            assert self.read(), f"ended without {text!r}: {self.seen[-400:]!r}"
        before, _, self.seen = self.seen.partition(text)
        return before

    def send(self, text):
        os.write(self.fd, text.encode())

    def line(self, text):
        """Type a line; returns what is printed up to the next prompt."""
        self.send(text + "\r")
        self.until("\033[?2004l")
        return self.until("\033[?2004h")

    def finish(self):
        while self.read():
            pass
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        os.kill(self.pid, signal.SIGKILL)
        raise AssertionError("the program did not leave")


QUICK = ("--temp", "0", "--max-tokens", "6")


@test
def question_and_quit():
    chat = Chat(*QUICK)
    first = chat.line("hello")
    assert "answer 6 tokens" in first, first
    second = chat.line("and again")
    assert "reused" in second, second
    assert "context:" in chat.line("/stats")
    assert "/image" in chat.line("/help")
    assert "/frobnicate" in chat.line("/frobnicate")
    chat.send("/quit\r")
    assert chat.finish() == 0


@test
def leaving():
    for key in ("\x04", "\x03"):
        chat = Chat(*QUICK)
        chat.send(key)
        assert chat.finish() == 0
    chat = Chat(*QUICK)
    chat.send("half a line\x03")  # drops the line
    chat.until("\033[?2004h")
    chat.send("\x03")
    assert chat.finish() == 0


@test
def attachments():
    chat = Chat(*QUICK)
    shot = picture("my picture.png", 90, 60)
    assert "90" in chat.line(f"/image '{shot}'")
    chat.until("[1 attached] > ")
    notes = write("notes.txt", b"one\n")
    assert "4 bytes" in chat.line(f"/doc file://{notes}")
    chat.until("[2 attached] > ")
    assert "lw: " in chat.line("/image /no/such/picture.png")
    chat.until("[2 attached] > ")
    assert "looked for" in chat.line("what is this?")
    assert "attached" not in chat.line("/clear").replace("attached to", "")
    assert "lw: which file" in chat.line("/video")
    chat.send("\x04")
    assert chat.finish() == 0


@test
def editing():
    chat = Chat(*QUICK)
    # "/stxats" with the x removed by cursor keys and backspace; then history and clearing.
    assert "context:" in chat.line("/stxats\033[D\033[D\033[D\x7f")
    assert "context:" in chat.line("\033[A")
    assert "context:" in chat.line("nonsense\x15/stats")
    assert "context:" in chat.line("\x01ats\x01/st")
    assert "context:" in chat.line("/stats gr\u00fc\u00df \u4f60\u597d" + "\x7f" * 8)
    # Two pasted lines are one question.
    chat.send("\033[200~/stats is\nonly text here\033[201~")
    assert "answer" in chat.line("")
    chat.send("\x04")
    assert chat.finish() == 0


@test
def full_context_keeps_the_conversation():
    chat = Chat("--temp", "0", "--max-tokens", "4", "--ctx", "96")
    chat.line("hello")
    refused = chat.line("many words " * 40)
    assert "lw: " in refused and "96" in refused, refused
    assert "answer" in chat.line("hi")
    chat.send("\x04")
    assert chat.finish() == 0


@test
def interrupt_stops_the_answer_and_not_the_program():
    # The terminal holds less than the context: the answer cannot end before it is read.
    chat = Chat("--ctx", "100000", model=endless_model())
    chat.send("tell me everything\r")
    chat.until("\033[?2004l")
    while not chat.seen.strip():  # until then the line of the question may still be read
        assert chat.read()
    chat.send("\x03")
    printed = chat.until("\033[?2004h")
    assert "(stopped" in printed, printed[-300:]
    assert "context:" in chat.line("/stats")
    chat.send("\x04")
    assert chat.finish() == 0


def stored_conversation(name):
    """A database with one conversation, in a folder of its own.  Returns environment and path."""
    env = {"XDG_DATA_HOME": str(TMP / name / "data"), "XDG_CACHE_HOME": str(TMP / name / "cache")}
    fails(("run", "-m", MODEL, "--chat", "cafe", "hello"), "cafe", env=env)  # makes the database
    path = TMP / name / "data" / "longwave" / "longwave.db"
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO conversations (id, title, created, updated) VALUES ('cafe01', 'Sea', 1, 1)")
        for at, (role, text) in enumerate(((1, "What is " + "very " * 200 + "blue?"), (2, "The sea."))):
            db.execute("INSERT INTO messages (id, conversation, position, role, state, text, created, parent)"
                       " VALUES (?, 'cafe01', ?, ?, 0, ?, 1, ?)",
                       (f"m{at}", at, role, text, f"m{at - 1}" if at else None))
        db.execute("UPDATE conversations SET head = 'm1'")
    db.close()
    return env, path


def answers(path):
    with sqlite3.connect(path) as db:
        rows = db.execute("SELECT text FROM messages WHERE role = 2 ORDER BY position").fetchall()
    db.close()
    return [row[0] for row in rows]


@test
def a_restart_changes_nothing_and_reads_only_what_is_new():
    questions = ("And now?", "Is it " + "really " * 30 + "so?", "Then what?")
    options = ("--temp", "0", "--max-tokens", "20", "--kv", "f32", "--chat", "cafe01")

    env, path = stored_conversation("one")
    chat = Chat(*options, env=env)
    reused = [int(re.search(r"(\d+) reused", chat.line(q) + " 0 reused")[1]) for q in questions]
    chat.send("/quit\r")
    assert chat.finish() == 0
    want = answers(path)
    assert len(want) == 4

    env, path = stored_conversation("many")
    for number, q in enumerate(questions):
        err = works("run", "-m", MODEL, "--mmproj", MMPROJ, *options, q, env=env).err
        restored = re.search(r"(\d+) reused \(picked up where we left off: ([\d,]+) tokens\)", err)
        assert bool(restored) == (number > 0), err
        if restored:
            assert int(restored[1]) == reused[number], (err, reused)
            assert int(restored[2].replace(",", "")) >= int(restored[1]), err
    assert answers(path) == want

    # Without the folder only time is lost; with rubbish in it one line says so.
    env, path = stored_conversation("gone")
    cache = TMP / "gone" / "cache" / "longwave" / "kv"
    for number, q in enumerate(questions):
        err = works("run", "-m", MODEL, "--mmproj", MMPROJ, *options, q, env=env).err
        assert "picked up" not in err, err
        if number == 0:
            shutil.rmtree(cache)
        else:
            assert err.count("is ignored") == number - 1, err
            for table in cache.glob("*/*.table"):
                table.write_bytes(table.read_bytes()[:-1])
    assert answers(path) == want


@test
def a_folder_that_cannot_be_written_costs_no_answer():
    env, path = stored_conversation("file")
    (TMP / "file" / "cache").write_bytes(b"not a folder")
    done = works("run", "-m", MODEL, "--mmproj", MMPROJ, "--temp", "0", "--max-tokens", "6", "--chat", "cafe01",
                 "And now?", env=env)
    assert done.err.count("is not kept for the next start") == 1, done.err
    assert len(answers(path)) == 2


def set_options(path, kind, owner, system, own, temperature, max_tokens, seed):
    with sqlite3.connect(path) as db:
        db.execute("INSERT OR REPLACE INTO options VALUES (?, ?, '', ?, ?, ?, 40, 0.95, 0.05, 1.0, ?, ?)",
                   (kind, owner, system, own, temperature, max_tokens, seed))
    db.close()


def figures(*options, env):
    """Of a run on the stored chat: tokens of the prompt and of the answer, seed or None, all that is said."""
    err = works("run", "--mmproj", MMPROJ, "--chat", "cafe01", *options, "And now?", env=env).err
    seed = re.search(r"; seed (\d+)", err)
    prompt, answer = (int(re.search(what + r" (\d+) tokens", err)[1]) for what in ("prompt", "answer"))
    return prompt, answer, int(seed[1]) if seed else None, err


@test
def a_stored_chat_is_asked_as_the_window_asks_it():
    instructions = "Answer every question in exactly one word."

    def fresh(name, *rows):
        env, path = stored_conversation(name)
        for row in rows:
            set_options(path, *row)
        return env, path

    of_chat = (1, "cafe01", instructions, 0, 0.0, 3, -1)
    env, _ = fresh("plain")
    plain, _, _, said = figures("-m", MODEL, "--temp", "0", "--max-tokens", "7", env=env)
    assert "its instructions" not in said and "its sampling" not in said, said

    # The chat's own count before its model's; without the chat's, the model's do.
    for name, rows in (("own", (of_chat, (2, str(MODEL), "Be brief.", 0, 0.9, 9, 7))),
                       ("model", ((2, str(MODEL), instructions, 0, 0.0, 3, -1),))):
        env, _ = fresh(name, *rows)
        n, answer, seed, said = figures("-m", MODEL, env=env)
        assert n > plain + 5, (name, n, plain)
        assert (answer, seed) == (3, None), (name, said)
        assert "its instructions, its sampling" in said, said

    # What is given wins, one by one.
    env, _ = fresh("given", of_chat)
    n, answer, seed, _ = figures("-m", MODEL, "--system", "Brief.", "--temp", "0.5", "--seed", "9",
                                 "--max-tokens", "5", env=env)
    assert plain < n < plain + 5 + len(instructions) and (answer, seed) == (5, 9)
    env, _ = fresh("seeded", (1, "cafe01", None, 0, 0.5, 3, 42))
    n, answer, seed, said = figures("-m", MODEL, env=env)
    assert (n, answer, seed) == (plain, 3, 42), said
    assert "its instructions" not in said, said

    # Figures that the chat does not use are not taken.
    env, _ = fresh("unused", (1, "cafe01", None, 1, 0.5, 3, 42))
    assert figures("-m", MODEL, "--max-tokens", "7", env=env)[2] != 42

    # The chat's own model answers when none is named; one that is gone is named.
    env, path = fresh("its-model", of_chat)
    fails(("run", "--chat", "cafe01", "hello"), "no-default", env=env)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE conversations SET model = ?", (str(MODEL),))
    db.close()
    assert figures(env=env)[1] == 3
    with sqlite3.connect(path) as db:
        db.execute("UPDATE conversations SET model = '/no/such/model.gguf'")
    db.close()
    fails(("run", "--chat", "cafe01", "hello"), "/no/such/model.gguf", env=env)


if __name__ == "__main__":
    main()
