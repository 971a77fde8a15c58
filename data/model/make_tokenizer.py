# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the 4,096-entry byte-level BPE on the generated text -> tokenizer.json.

Run once; the file is in the repository.  Words that pictures show in capitals
are left out, so they are spelled letter by letter, which is easier to learn.
"""
import os
import random
import sys

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

import exercises
import films
import scenes
import talk
import texts
import words

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
VOCAB = 4096


def corpus(n):
    r = random.Random(1)
    for _ in range(n):
        sc = scenes.make_scene(r, 224, 224, 1.0, False, scenes.pick(r, ("shapes", "shapes", "text", "clutter")))
        for _ in range(5):
            t, q, a = scenes.questions(r, sc, scenes.pick(r, (None, None, "first", "second")))
            yield q
            if t not in ("word", "number", "letters", "describe") or not sc.texts:
                yield a
        f, ev, _ = films.make_film(r, 140, 140, 4, 1.0, False)
        for _ in range(2):
            _, q, a = films.film_questions(r, f, ev)
            yield q
            yield a
        facts = texts.Facts(r, 3 + int(r.random() * 15), False)
        yield facts.text()
        for _, q, a in facts.questions():
            yield q
            yield a
        for _ in range(3):
            for _, q, a in (talk.everyday(r), exercises.exercise(r, False)):
                yield q
                yield a
        yield " ".join(scenes.pick(r, words.COMMON) for _ in range(8))
        yield "system\nYou are a helpful assistant."
        yield "user\n" + "assistant\n"


def main():
    tok = Tokenizer(models.BPE())
    tok.normalizer = normalizers.NFC()
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(QWEN2), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok.decoder = decoders.ByteLevel()
    tr = trainers.BpeTrainer(vocab_size=VOCAB - len(SPECIAL), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                             special_tokens=[], show_progress=False)
    tok.train_from_iterator(corpus(int(sys.argv[1]) if len(sys.argv) > 1 else 3000), tr)
    tok.add_special_tokens(SPECIAL)          # after the ordinary entries, as in Qwen's own files
    out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tokenizer.json")
    tok.save(out)
    print(out, os.path.getsize(out), tok.get_vocab_size())
    for s in ("What colour is the circle?", 'It says "HARBOR".', 'It says "harbor".', "Zelira lives in Paris."):
        print(tok.encode(s).tokens)


if __name__ == "__main__":
    main()
