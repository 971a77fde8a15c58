# SPDX-License-Identifier: GPL-3.0-or-later
"""The window killed while it answers, again and again: nothing that was finished is lost, and of the answer
only what has come since it was saved last, which it is more often than once a second (LW_MEM_PARTIAL_SAVE_MS)."""

import os
import re
import sys
import unittest

from desktop import Program, WindowTest, role, text_of, wait_for, walk
from answering import make_slow_model
import store

ROUNDS = 10


class Killed(WindowTest):
    @classmethod
    def setUpClass(cls):
        cls.model = make_slow_model()
        p = Program(LW_DEFAULT_MODEL=cls.model)
        assert p.quit() == 0

    def shown(self, p, question):
        """The newest answer as it is on the screen: the longest label behind its question."""
        texts = [text_of(n) for n in walk(p.get("list", "Messages")) if role(n) == "label"]
        asked = max((i for i, t in enumerate(texts) if t == question), default=len(texts))
        return max(texts[asked + 1:], key=len, default="")

    def test_killed_while_it_answers(self):
        with open(os.path.join(os.environ["LW_SOURCE"], "memory", "lw-memory.h")) as f:
            self.assertLess(int(re.search(r"LW_MEM_PARTIAL_SAVE_MS (\d+)", f.read())[1]), 1000)
        finished, partial = [], {}
        for i in range(ROUNDS):
            p = self.launch(LW_DEFAULT_MODEL=self.model)
            p.press("New chat")
            p.get("label", "New Chat")
            # A turn that is finished (stopped by hand), then one that is not.
            for text in [f"Finished {i}", f"Killed {i}"]:
                p.write(text)
                p.press("Send")
                p.get("list item", contains="You: " + text)
                if text.startswith("Finished"):
                    wait_for("the answer", lambda: len(self.shown(p, text)) > 40)
                    p.press("Stop")
                    p.get("push button", "Send")
                    answer = wait_for("it to be finished", lambda: self.finished_answer(text))
                    finished.append((text, answer))
            question = f"Killed {i}"
            wait_for("the question in the database", lambda: question in self.texts(1))
            if i % 3:  # else at once, perhaps before the first word
                wait_for("the answer", lambda: len(self.shown(p, question)) > 40 + 20 * i)
                seen = wait_for("its text", lambda: self.shown(p, question))
                # The save that runs may be older than what was seen; the one after it is not.
                self.wait_for_saves(question, 2)
                partial[question] = seen
            p.kill()
            with store.connect() as db:
                self.assertEqual(db.execute("PRAGMA integrity_check").fetchone()[0], "ok")
            self.check(finished, partial)

        # All of it is there in the window, too.
        p = self.launch(LW_DEFAULT_MODEL=self.model)
        p.get("list item", contains=f"You: Killed {ROUNDS - 1}")
        p.get("list item", contains=f"You: Finished {ROUNDS - 1}")
        for i in range(ROUNDS):
            p.get("list item", f"Finished {i}")
        self.end()
        self.check(finished, partial)

    def texts(self, wanted):
        with store.connect() as db:
            return [t for t, in db.execute("SELECT text FROM messages WHERE role = ?", (wanted,))]

    def answer_to(self, question):
        """Text and state of what follows the question."""
        with store.connect() as db:
            return db.execute("SELECT a.text, a.state FROM messages q JOIN messages a ON a.parent = q.id"
                              " WHERE q.text = ?", (question,)).fetchone()

    def finished_answer(self, question):
        found = self.answer_to(question)
        return found[0] if found and found[1] != 1 else None

    def wait_for_saves(self, question, n):
        """Until the unfinished answer has been saved n more times: each time it is longer."""
        for _ in range(n):
            before = len((self.answer_to(question) or ("",))[0])
            wait_for("the next save", lambda: len((self.answer_to(question) or ("",))[0]) > before)

    def check(self, finished, partial):
        questions = self.texts(1)
        for question, answer in finished:
            self.assertIn(question, questions)
            self.assertEqual(self.answer_to(question)[0], answer)
        for question, seen in partial.items():
            self.assertIn(question, questions)
            text, state = self.answer_to(question)
            self.assertEqual(state, 1)
            # What was on the screen two saves before the end; Markdown may hide some characters of it.
            self.assertGreaterEqual(len(text), len(seen))


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    program = unittest.main(exit=False, verbosity=2)
    sys.exit(0 if program.result.wasSuccessful() else 1)
