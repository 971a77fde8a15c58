#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chat, on a terminal."""
import os
import pty
import select
import signal
import time

from lwtest import ENV, LIMIT, LW, MMPROJ, MODEL, Skip, endless_model, main, picture, test, write


class Chat:
    """lw run on a terminal of its own."""

    def __init__(self, *args, model=MODEL):
        self.seen = ""
        try:
            self.pid, self.fd = pty.fork()
        except OSError as e:
            raise Skip(f"no pseudo-terminals here: {e}") from e
        if self.pid == 0:
            os.execve(LW, [LW, "run", "-m", str(model), "--mmproj", str(MMPROJ), *map(str, args)],
                      {**ENV, "TERM": "xterm"})
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
    chat.read()
    chat.send("\x03")
    printed = chat.until("\033[?2004h")
    assert "(stopped" in printed, printed[-300:]
    assert "context:" in chat.line("/stats")
    chat.send("\x04")
    assert chat.finish() == 0


if __name__ == "__main__":
    main()
