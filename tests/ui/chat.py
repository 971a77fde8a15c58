# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in a conversation, and what can be done with it."""

import os
import re
import shutil
import subprocess
import sys
import unittest

from desktop import Program, press, pressed, role, run, showing, text_of, wait_for, walk
import store

TMP = os.environ["TMPDIR"]
FIXTURES = os.environ["LW_FIXTURES"]

MARKDOWN = r"""# A short tour

This is *emphasis*, **strong**, `inline code` and a [link](https://example.org/). The area is $\pi r^2$.

1. First
2. Second, with more:
   - a point
   - another one

> A quotation of
> two lines.

```python
def area(radius):
    # of a circle
    return 3.14159 * radius ** 2
```

| Planet | Moons | Note |
|:-------|------:|:----:|
| Mars   | 2     | red, because of the iron oxide in its soil and its dust |
| Saturn | 146   | rings |

$$
x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}
$$

---

- [x] done
- [ ] open

The end.
"""


def make_model():
    folder = os.path.join(TMP, "model")
    os.makedirs(folder, exist_ok=True)
    shutil.copy(os.path.join(FIXTURES, "a-text-f16.gguf"), os.path.join(folder, "tiny.gguf"))
    return os.path.join(folder, "tiny.gguf")


class Chat(unittest.TestCase):
    """The tests share one home and run in the order of their names."""

    @classmethod
    def setUpClass(cls):
        cls.model = make_model()
        p = Program(LW_DEFAULT_MODEL=cls.model)
        assert p.quit() == 0
        store.add_chat("markdown", "The tour", [("user", "Show me <b>everything</b> & *more*"),
                                                ("assistant", MARKDOWN)])

    def start(self, *args, model=None, **environment):
        self.program = Program(*args, LW_DEFAULT_MODEL=model or self.model, **environment)
        self.addCleanup(self.program.process.kill)
        return self.program

    def tearDown(self):
        outcome = self._outcome.result
        failed = any(test is self for test, _ in outcome.failures + outcome.errors)
        p = Program.last
        if failed and p and p.process.poll() is None:
            p.screenshot("failed-" + self._testMethodName)
            print(p.dump())
        if failed and p:
            print(p.output())

    def end(self):
        self.assertEqual(self.program.quit(), 0, self.program.output())
        known = re.compile(r"g_variant_\w+object_path")
        complaints = [line for line in self.program.output().splitlines()
                      if re.search(r"CRITICAL|WARNING|ERROR", line) and not known.search(line)]
        self.assertEqual(complaints, [])

    def open_chat(self, p, title):
        p.select(p.get("list item", title))

    def texts(self, p):
        return [text_of(n) for n in walk(p.get("list", "Messages")) if role(n) == "label"]

    def clipboard(self):
        return subprocess.run(["xclip", "-selection", "clipboard", "-o"], capture_output=True,
                              text=True, timeout=20).stdout

    def scroll_to_top(self, p):
        run("xdotool", "mousemove", "--window", p.window, "340", "300", "click", "--repeat", "30", "4")

    def check_markdown(self, p, opened=False):
        if not opened:
            self.open_chat(p, "The tour")
        wait_for("the last block", lambda: "The end." in self.texts(p))
        texts = self.texts(p)
        for wanted in ["A short tour", "First", "2.", "a point", "A quotation of\ntwo lines.",
                       "Python", "Saturn", "146", "x = (-b ± √(b² - 4ac))/(2a)", "☑",
                       "This is emphasis, strong, inline code and a link. The area is πr².",
                       "def area(radius):\n    # of a circle\n    return 3.14159 * radius ** 2"]:
            self.assertIn(wanted, texts)
        # What was typed is not Markdown.
        self.assertIn("Show me <b>everything</b> & *more*", texts)

    def test_1_markdown(self):
        p = self.start()
        self.check_markdown(p)
        p.press("Copy LaTeX source")
        wait_for("the source on the clipboard", lambda: self.clipboard()
                 == r"x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}")
        p.press("Copy code")
        wait_for("the code on the clipboard", lambda: self.clipboard().startswith("def area(radius):"))
        p.get(name="Copied")
        answer = p.get("list item", contains="Longwave: # A short tour")
        copy = [n for n in walk(answer) if n.get_name() == "Copy message"][0]
        self.assertTrue(press(copy))
        wait_for("the message on the clipboard", lambda: self.clipboard() == MARKDOWN)
        p.screenshot("markdown-end")
        self.scroll_to_top(p)
        p.screenshot("markdown")
        self.end()

        p = self.start(ADW_DEBUG_COLOR_SCHEME="prefer-dark")
        self.check_markdown(p)
        p.screenshot("markdown-dark-end")
        self.scroll_to_top(p)
        p.screenshot("markdown-dark")
        self.end()

        self.narrow(p)
        p = self.start()
        self.check_markdown(p, opened=True)
        self.scroll_to_top(p)
        p.screenshot("markdown-narrow")
        self.end()
        self.narrow(p, 1000)

    def narrow(self, p, width=360):
        path = os.path.join(os.environ["XDG_CONFIG_HOME"], "glib-2.0", "settings", "keyfile")
        lines = open(path).read()
        open(path, "w").write(re.sub(r"window-width=\d+", f"window-width={width}", lines))

    def test_2_long_texts_have_few_widgets(self):
        store.add_chat("long", "Very long", [("user", "word " * 200000), ("assistant", "- item\n" * 20000)])
        p = self.start()
        self.open_chat(p, "Very long")
        p.get(name="Show what comes after")
        texts = self.texts(p)
        self.assertGreater(texts.count("item"), 200)
        self.assertLess(len(texts), 1200)
        self.end()


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    program = unittest.main(exit=False, verbosity=2)
    sys.exit(0 if program.result.wasSuccessful() else 1)
