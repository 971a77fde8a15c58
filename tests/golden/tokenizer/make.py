#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Golden values for the tokenizer from other people's implementations.

usage: make.py pieces > pieces.txt
       make.py ids VOCABULARY.gguf > NAME.txt    (NAME: llama-spm, bert-bge)

pieces: how the `tokenizers` package (Rust, Oniguruma's regular expressions) splits hard strings with the
patterns that published tokenizers carry.  A line: names of the pre-tokenizer, the string in hex, the pieces'
lengths in bytes; fields are separated by tabs.

ids: what `sentencepiece` (for llama) and `tokenizers` (for bert) make of such strings, with the vocabulary
of a GGUF file put back into the form those packages read.  A line: the string in hex, the ids.

The strings are drawn at random with a fixed seed from classes of characters that the methods tell apart.
Characters newer than Unicode 13 are left out: the packages' tables differ there.  For bert, characters whose
class changed since Unicode 3.2 are, since that package's tables of classes are old.
"""
import random
import sys
import unicodedata

import tokenizers
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

GPT4 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+")
PATTERNS = {
    "gpt-2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "qwen2": GPT4 % "",
    "llama-bpe": GPT4 % "{1,3}",
}
FIXED = ["'", "''s", "I'LL'Ve", "x'\u017fy", "'\u017f", "'re'RE'rE", "1234567", "12 345", "  12", "\r\n\r\n", " \r\n x",
         "\t\tx", "a\u00a0\u00a0b", "\u3000x", "   ", "a   ", "!\n\n!", " !\n", "\u2028x", "\u0085x", "x\u0301y",
         "\u0301x", " \u0301", "1\u00bd\u0663", "\U0001F680x", "_a", " _a", "\u0130stanbul", "\x00a\x00", "\ufeffx",
         "don't", "\u2019s", "'S 'T", "a\n b", "a \nb", "\n \n", "x\x0bx", "\x1c1", "\u200bx", "\u200d"]


def classes(old):
    """Small pools of characters, from all of Unicode, for each kind."""
    pools = {}
    for cp in range(0x110000):
        c = chr(cp)
        kind = unicodedata.category(c)
        # Cn: not assigned yet; Cs: no character.  Ranges of Unicode 14 are too new for some packages.
        if kind in ("Cn", "Cs") or cp in range(0x10570, 0x105BD) or cp in range(0x12F90, 0x12FF3):
            continue
        if old and unicodedata.ucd_3_2_0.category(c) != kind:
            continue
        pools.setdefault(kind, []).append(c)
    return pools


def strings(n, old=False):
    rng = random.Random(20261126)
    pools = classes(old)
    kinds = sorted(pools)
    ascii_bits = ["'", "'s", "'ll", "'RE", " ", "  ", "\n", "\r\n", "\t", "1", "23", "4567", "a", "Bc", "the", "!", "...",
                  "(", "_", "-", "\u00e9", "e\u0301", "\u4f60\u597d", "\u043f\u0440\u0438", "\U0001F600", "\u00a0", "\u3000"]
    yield from FIXED
    for _ in range(n):
        out = []
        for _ in range(rng.randint(1, 14)):
            out.append(rng.choice(ascii_bits) if rng.random() < 0.75 else rng.choice(pools[rng.choice(kinds)]))
        yield "".join(out)


def pieces():
    print("# tests/golden/tokenizer/make.py pieces; tokenizers %s" % tokenizers.__version__)
    for name, pattern in PATTERNS.items():
        split = pre_tokenizers.Split(Regex(pattern), "isolated")
        for s in strings(240):
            if not s:
                continue
            lengths = [len(p.encode()) for p, _ in split.pre_tokenize_str(s)]
            assert sum(lengths) == len(s.encode())
            print(name, s.encode().hex(), " ".join(map(str, lengths)), sep="\t")


def read_vocabulary(path):
    import gguf
    fields = gguf.GGUFReader(path).fields

    def values(key):
        f = fields["tokenizer.ggml." + key]
        if f.types[-1] == gguf.GGUFValueType.STRING:
            return [bytes(f.parts[i]).decode() for i in f.data]
        return [f.parts[i][0].item() for i in f.data]

    model = bytes(fields["tokenizer.ggml.model"].parts[-1]).decode()
    return model, values("tokens"), values("token_type"), values


def sentencepiece_encoder(tokens, types, scores):
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2 as pb
    proto = pb.ModelProto()
    proto.trainer_spec.model_type = pb.TrainerSpec.BPE
    proto.trainer_spec.byte_fallback = True
    proto.trainer_spec.unk_id, proto.trainer_spec.bos_id, proto.trainer_spec.eos_id = 0, 1, 2
    proto.trainer_spec.pad_id = -1
    proto.normalizer_spec.name = "identity"
    proto.normalizer_spec.add_dummy_prefix = True
    proto.normalizer_spec.remove_extra_whitespaces = False
    proto.normalizer_spec.escape_whitespaces = True
    for token, kind, score in zip(tokens, types, scores):
        proto.pieces.add(piece=token, type=kind, score=score)
    sp = sentencepiece.SentencePieceProcessor()
    sp.LoadFromSerializedProto(proto.SerializeToString())
    return "sentencepiece " + sentencepiece.__version__, sp.EncodeAsIds


def bert_encoder(tokens, types):
    # U+2581 marks a word's beginning in GGUF files, ## a continuation in BERT's own.
    vocab = {}
    for i, (token, kind) in enumerate(zip(tokens, types)):
        if kind == 1:
            token = token[1:] if token[0] == "\u2581" else "##" + token
        vocab[token] = i
    t = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100))
    t.normalizer = normalizers.BertNormalizer()
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return "tokenizers " + tokenizers.__version__, lambda s: t.encode(s).ids


def ids(path):
    model, tokens, types, values = read_vocabulary(path)
    if model == "llama":
        version, encode = sentencepiece_encoder(tokens, types, values("scores"))
    else:
        version, encode = bert_encoder(tokens, types)
    print("# tests/golden/tokenizer/make.py ids %s; %s" % (path.split("/")[-1], version))
    for s in strings(400, old=model == "bert"):
        print(s.encode().hex(), " ".join(map(str, encode(s))), sep="\t")


if sys.argv[1] == "pieces":
    pieces()
else:
    ids(sys.argv[2])
