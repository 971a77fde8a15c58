/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the kinds of vocabulary do differently: SentencePiece and WordPiece with small vocabularies
 * made here (their real ones are in test-tokenizer.c and in tests/golden), whole pieces, layout
 * tokens, defaults, and the same promises about trust for all.  Merging in blocks is held against
 * merging at once.
 */
#include <math.h>

#include "engine/base/alloc.h"
#include "engine/lw-error.h"
#include "engine/tokenizer/tokenizer-private.h"
#include "tests/unit/vocab-build.h"

typedef struct {
    GByteArray *file;
    lw_gguf *gguf;
    lw_tokenizer *t;
} fixture;

static fixture open_build(gguf_build *b)
{
    fixture f = {.file = gguf_build_finish(b)};
    GError *error = NULL;

    f.gguf = lw_gguf_open_bytes(f.file->data, f.file->len, "test.gguf", &error);
    g_assert_no_error(error);
    f.t = lw_tokenizer_new(f.gguf, &error);
    g_assert_no_error(error);
    return f;
}

static void close_fixture(fixture *f)
{
    lw_tokenizer_free(f->t);
    lw_gguf_free(f->gguf);
    g_byte_array_unref(f->file);
}

static void append_ids(GString *s, const GArray *ids)
{
    for (guint i = 0; i < ids->len; i++)
        g_string_append_printf(s, "%s%d", i > 0 ? " " : "", g_array_index(ids, gint32, i));
}

/* The ids of spans as text. */
static char *encode_spans(const lw_tokenizer *t, const lw_span *spans, gsize n)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint32));
    GString *s = g_string_new(NULL);
    GError *error = NULL;

    lw_tokenizer_encode(t, spans, n, ids, &error);
    g_assert_no_error(error);
    append_ids(s, ids);
    g_array_unref(ids);
    return g_string_free(s, FALSE);
}

static void assert_encodes(const lw_tokenizer *t, const char *text, gboolean trusted,
                           const char *expected)
{
    lw_span span = {text, strlen(text), trusted};
    char *have = encode_spans(t, &span, 1);

    g_assert_cmpstr(have, ==, expected);
    g_free(have);
}

/* ---- SentencePiece ---- */

static void test_spm(void)
{
    fixture f = open_build(vocab_build_spm("llama"));

    /* A space is put before; "bc" scores highest, then "ab", then "abc", then the space with "a".
     */
    assert_encodes(f.t, "abc", FALSE, "259 265");
    assert_encodes(f.t, "ab", FALSE, "259 263");
    assert_encodes(f.t, "ac", FALSE, "266 262");
    g_assert_cmpint(SPM_SPACE_A, ==, 266);
    g_assert_cmpint(SPM_FIRST_BYTE, ==, 3);
    assert_encodes(f.t, "", FALSE, "");
    assert_encodes(f.t, "a", FALSE, "266");
    assert_encodes(f.t, " a", FALSE, "259 266");
    /* U+2581 is read as a space. */
    assert_encodes(f.t, MARK "a", FALSE, "259 266");
    assert_encodes(f.t, "b ab", FALSE, "259 261 259 263");
    /* What is no token is spelt in bytes: e9 is token 3 + 0xe9. */
    assert_encodes(f.t, "b\xc3\xa9", FALSE, "259 261 198 172");
    assert_encodes(f.t, "b\xff", FALSE, "259 261 258");
    g_assert_true(lw_tokenizer_add_bos(f.t));
    g_assert_cmpint(lw_tokenizer_bos(f.t), ==, SPM_BOS);
    g_assert_cmpint(lw_tokenizer_eos(f.t), ==, SPM_EOS);
    g_assert_true(lw_tokenizer_is_eog(f.t, SPM_EOS));
    close_fixture(&f);
}

/* A space before each stretch after a special; the white space right of one is Phi-3's alone. */
static void test_spm_specials(void)
{
    fixture llama = open_build(vocab_build_spm("llama")), phi = open_build(vocab_build_spm("phi3"));
    lw_span spans[] = {{"<|user|>\n", 9, TRUE}, {" b", 2, FALSE}};
    char *have;

    assert_encodes(llama.t, "<|user|>b<|user|>", TRUE, "268 259 261 268");
    assert_encodes(llama.t, "<|user|>\nb", TRUE, "268 259 13 261");
    assert_encodes(phi.t, "<|user|>\n  b<s> b", TRUE, "268 259 261 1 267 261");
    /* As in the reference, whoever wrote it. */
    have = encode_spans(phi.t, spans, 2);
    g_assert_cmpstr(have, ==, "268 259 261");
    g_free(have);
    close_fixture(&llama);
    close_fixture(&phi);
}

/* Gemma: no space before, runs of white space as user-defined tokens. */
static void test_layout(void)
{
    gguf_build *b = vocab_build_spm("gemma3");
    lw_span spans[] = {{"b\n", 2, TRUE}, {"\nb<tool>", 8, FALSE}, {"<tool>", 6, TRUE}};
    fixture f;
    char *have;

    gguf_build_bool(b, "tokenizer.ggml.add_space_prefix", FALSE);
    f = open_build(b);
    assert_encodes(f.t, "abc", FALSE, "265");
    assert_encodes(f.t, "b\n\nb", FALSE, "261 269 261");
    assert_encodes(f.t, "b\n\n\nb", FALSE, "261 269 13 261");
    /* Across a border of trust; but the tool token is matched in trusted text only. */
    have = encode_spans(f.t, spans, 3);
    g_assert_cmpstr(have, ==, "261 269 261 63 119 114 114 111 65 270");
    g_free(have);
    close_fixture(&f);
}

/* Covering a piece with tokens gives what merging it gives, or nothing; whether it gave something.
 */
static gboolean check_cover(const lw_tokenizer *t, const char *text, gsize n)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint32)),
           *whole = g_array_new(FALSE, FALSE, sizeof(gint32));
    guint8 *padded = g_malloc0(n + LW_TEXT_PADDING);
    gboolean covered;
    lw_cover *c;

    memcpy(padded, text, n);
    g_assert_true(lw_tokenizer_prepare(t, NULL));
    g_assert_true(lw_tokenizer_prepare_trie(t, NULL));
    c = lw_cover_new(t, NULL);
    covered = t->model->cover(t, c, padded, n, ids);
    if (covered) {
        g_assert_true(lw_merge_encode_whole(t, padded, n, whole, NULL));
        g_assert_cmpmem(ids->data, ids->len * sizeof(gint32), whole->data,
                        whole->len * sizeof(gint32));
    } else {
        g_assert_cmpuint(ids->len, ==, 0);
    }
    lw_cover_free(c);
    g_free(padded);
    g_array_unref(ids);
    g_array_unref(whole);
    return covered;
}

/* The textbook way on strings: the pair of highest score, leftmost first. */
static void naive_spm(GHashTable *scores, const char *text, GString *out)
{
    GPtrArray *parts = g_ptr_array_new_with_free_func(g_free);

    for (const char *p = text; *p != '\0'; p++)
        g_ptr_array_add(parts, g_strndup(p, 1));
    for (;;) {
        double best = -INFINITY;
        guint at = G_MAXUINT;
        char *joined = NULL;

        for (guint i = 0; i + 1 < parts->len; i++) {
            char *pair = g_strconcat(parts->pdata[i], parts->pdata[i + 1], NULL);
            double *score = g_hash_table_lookup(scores, pair);

            if (score != NULL && *score > best) {
                best = *score;
                at = i;
            }
            g_free(pair);
        }
        if (at == G_MAXUINT)
            break;
        joined = g_strconcat(parts->pdata[at], parts->pdata[at + 1], NULL);
        g_free(parts->pdata[at]);
        parts->pdata[at] = joined;
        g_ptr_array_remove_index(parts, at + 1);
    }
    for (guint i = 0; i < parts->len; i++)
        g_string_append_printf(out, "%s|", (char *)parts->pdata[i]);
    g_ptr_array_unref(parts);
}

/* Random tokens over three letters; scores are few, so that many are equal.  Scores that are lower
 * for longer tokens leave none out of covering.  How many of 30 texts were covered. */
static guint check_random_spm(GRand *rand, gboolean ordered)
{
    guint n_covered = 0;
    GHashTable *scores = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    GPtrArray *tokens = g_ptr_array_new_with_free_func(g_free);
    GArray *values = g_array_new(FALSE, FALSE, sizeof(float));
    gguf_build *b = gguf_build_new();
    fixture f;

    for (gint i = 0; i < 40; i++) {
        char text[8] = {0};
        gint n = i < 3 ? 1 : g_rand_int_range(rand, 2, 7);
        double *score = g_new(double, 1);
        float value;

        for (gint k = 0; k < n; k++)
            text[k] = i < 3 ? (char)('a' + i) : (char)('a' + g_rand_int_range(rand, 0, 3));
        if (g_hash_table_contains(scores, text)) {
            g_free(score);
            continue;
        }
        *score = value = ordered ? (float)-n : (float)g_rand_int_range(rand, -4, 3);
        g_hash_table_insert(scores, g_strdup(text), score);
        g_ptr_array_add(tokens, g_strdup(text));
        g_array_append_val(values, value);
    }
    gguf_build_str(b, "tokenizer.ggml.model", "llama");
    gguf_build_bool(b, "tokenizer.ggml.add_space_prefix", FALSE);
    gguf_build_strs(b, "tokenizer.ggml.tokens", (const char *const *)tokens->pdata, tokens->len);
    gguf_build_f32s(b, "tokenizer.ggml.scores", (const float *)values->data, values->len);
    f = open_build(b);
    for (guint round = 0; round < 30; round++) {
        gint n = round < 20 ? g_rand_int_range(rand, 1, 64) : g_rand_int_range(rand, 64, 400);
        GString *text = g_string_new(NULL), *expected = g_string_new(NULL),
                *have = g_string_new(NULL);
        GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint32));

        for (gint i = 0; i < n; i++)
            g_string_append_c(text, (char)('a' + g_rand_int_range(rand, 0, 3)));
        naive_spm(scores, text->str, expected);
        g_assert_true(lw_tokenizer_encode_text(f.t, text->str, -1, FALSE, ids, NULL));
        for (guint i = 0; i < ids->len; i++)
            g_string_append_printf(have, "%s|",
                                   (char *)tokens->pdata[g_array_index(ids, gint32, i)]);
        g_assert_cmpstr(have->str, ==, expected->str);
        n_covered += check_cover(f.t, text->str, text->len);
        g_array_unref(ids);
        g_string_free(have, TRUE);
        g_string_free(text, TRUE);
        g_string_free(expected, TRUE);
    }
    close_fixture(&f);
    g_ptr_array_unref(tokens);
    g_array_unref(values);
    g_hash_table_unref(scores);
    return n_covered;
}

static void test_spm_naive(void)
{
    GRand *rand = g_rand_new_with_seed(3);

    for (guint i = 0; i < 40; i++) {
        check_random_spm(rand, FALSE);
        g_assert_cmpuint(check_random_spm(rand, TRUE), ==, 30);
    }
    g_rand_free(rand);
}

/* ---- Long pieces ---- */

/* Blocks give what one heap over everything gives, on texts that are easy and hard to cut. */
static void test_blocks(void)
{
    GRand *rand = g_rand_new_with_seed(9);
    gguf_build *b = gguf_build_new();
    GPtrArray *tokens = g_ptr_array_new_with_free_func(g_free),
              *merges = g_ptr_array_new_with_free_func(g_free);
    fixture f;

    /* Doublings of a letter up to 4,096 of them: borders far apart. */
    g_ptr_array_add(tokens, g_strdup("a"));
    g_ptr_array_add(tokens, g_strdup("b"));
    for (guint n = 1; n <= 2048; n *= 2) {
        char *half = g_strnfill(n, 'a');

        g_ptr_array_add(merges, g_strdup_printf("%s %s", half, half));
        g_ptr_array_add(tokens, g_strconcat(half, half, NULL));
        g_free(half);
    }
    g_ptr_array_add(merges, g_strdup("a b"));
    g_ptr_array_add(tokens, g_strdup("ab"));
    gguf_build_str(b, "tokenizer.ggml.model", "gpt2");
    gguf_build_str(b, "tokenizer.ggml.pre", "qwen2");
    gguf_build_strs(b, "tokenizer.ggml.tokens", (const char *const *)tokens->pdata, tokens->len);
    gguf_build_strs(b, "tokenizer.ggml.merges", (const char *const *)merges->pdata, merges->len);
    f = open_build(b);
    g_assert_true(lw_tokenizer_prepare(f.t, NULL));
    for (guint round = 0; round < 60; round++) {
        gsize n = (gsize)g_rand_int_range(rand, 65, 20000);
        guint8 *text = g_malloc(n);
        gint one_in = 1 << g_rand_int_range(rand, 0, 14); /* how many letters are a "b" */
        GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint32)),
               *whole = g_array_new(FALSE, FALSE, sizeof(gint32));

        for (gsize i = 0; i < n; i++)
            text[i] = g_rand_int_range(rand, 0, one_in + 1) == 0 ? 'b' : 'a';
        g_assert_true(lw_merge_encode(f.t, text, n, ids, NULL));
        g_assert_true(lw_merge_encode_whole(f.t, text, n, whole, NULL));
        check_cover(f.t, (const char *)text, n);
        g_assert_cmpmem(ids->data, ids->len * sizeof(gint32), whole->data,
                        whole->len * sizeof(gint32));
        g_array_unref(ids);
        g_array_unref(whole);
        g_free(text);
    }
    close_fixture(&f);
    g_ptr_array_unref(tokens);
    g_ptr_array_unref(merges);
    g_rand_free(rand);
}

/* A text long enough to be covered, of one word and of pairs that come again or never do. */
static void test_long_text(void)
{
    static const char *const parts[] = {"the", "ing", "inter", "nation", "al", "un", "q"};
    GRand *rand = g_rand_new_with_seed(4);
    gguf_build *b = gguf_build_new();
    fixture f;

    gguf_build_vocab(b, "gpt-2");
    f = open_build(b);
    for (guint kind = 0; kind < 2; kind++) {
        GString *text = g_string_new(NULL);
        GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint32)),
               *whole = g_array_new(FALSE, FALSE, sizeof(gint32));

        while (text->len < 200000) {
            if (kind == 0)
                g_string_append(text, parts[g_rand_int_range(rand, 0, G_N_ELEMENTS(parts))]);
            else
                g_string_append_c(text, (char)g_rand_int_range(rand, 'a', 'z' + 1));
        }
        g_assert_true(lw_tokenizer_encode_text(f.t, text->str, -1, FALSE, ids, NULL));
        g_assert_true(
            lw_merge_encode_whole(f.t, (const guint8 *)text->str, text->len, whole, NULL));
        g_assert_cmpmem(ids->data, ids->len * sizeof(gint32), whole->data,
                        whole->len * sizeof(gint32));
        g_assert_true(kind == 1 || check_cover(f.t, text->str, text->len));
        g_string_free(text, TRUE);
        g_array_unref(ids);
        g_array_unref(whole);
    }
    close_fixture(&f);
    g_rand_free(rand);
}

/* ---- WordPiece ---- */

static void test_wordpiece(void)
{
    fixture f = open_build(vocab_build_bert());
    GString *word = g_string_new(NULL);
    lw_span span = {"hello", 5, FALSE};
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint32));

    assert_encodes(f.t, "Hello,hello", FALSE, "4 7 4");
    assert_encodes(f.t, "h\xc3\xa9llo", FALSE, "4");  /* accents go */
    assert_encodes(f.t, "he\xcc\x81llo", FALSE, "4"); /* composed or not */
    assert_encodes(f.t, "hellox he", FALSE, "1 5");   /* one unknown for the whole word */
    assert_encodes(f.t, "hellollo", FALSE, "4 6");
    assert_encodes(f.t, "\t\n \xe2\x80\xa8", FALSE, "");
    assert_encodes(f.t, "he\x01llo\xff", FALSE, "4"); /* controls and broken bytes go */
    assert_encodes(f.t,
                   "\xe4\xbd\xa0"
                   "he",
                   FALSE, "1 5"); /* CJK stands alone */
    assert_encodes(f.t, "[SEP]", TRUE, "3");
    assert_encodes(f.t, "hello[SEP]he", TRUE, "4 3 5");
    /* 100 characters are a word, 101 are not. */
    g_string_append_c(word, 'e');
    for (guint i = 1; i < 100; i++)
        g_string_append_c(word, 's');
    span = (lw_span){word->str, word->len, FALSE};
    g_assert_true(lw_tokenizer_encode(f.t, &span, 1, ids, NULL));
    g_assert_cmpuint(ids->len, ==, 100);
    g_string_append_c(word, 's');
    assert_encodes(f.t, word->str, FALSE, "1");
    /* What stands around a text. */
    span = (lw_span){"hello", 5, FALSE};
    g_array_set_size(ids, 0);
    g_assert_true(lw_tokenizer_encode_whole(f.t, &span, 1, ids, NULL));
    g_assert_cmpuint(ids->len, ==, 3);
    g_assert_cmpint(g_array_index(ids, gint32, 0), ==, BERT_CLS);
    g_assert_cmpint(g_array_index(ids, gint32, 1), ==, BERT_HELLO);
    g_assert_cmpint(g_array_index(ids, gint32, 2), ==, BERT_SEP);
    g_array_unref(ids);
    g_string_free(word, TRUE);
    close_fixture(&f);
}

/* ---- Byte-level BPE ---- */

/* llama-bpe takes a piece that is a token, others merge it; defaults for BOS. */
static void test_whole_pieces(void)
{
    static const char *const names[] = {"llama-bpe",   "llama3", "llama-v3",         "glm4",
                                        "chatglm-bpe", "qwen2",  "deepseek-r1-qwen", "gpt-2",
                                        "phi-2"};
    static const char *const tokens[] = {"a", "b", "c", "ab", "abc"};
    static const char *const merges[] = {"a b"};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        gboolean llama = g_str_has_prefix(names[i], "llama");
        gguf_build *b = gguf_build_new();
        fixture f;

        gguf_build_str(b, "tokenizer.ggml.model", "gpt2");
        gguf_build_str(b, "tokenizer.ggml.pre", names[i]);
        gguf_build_strs(b, "tokenizer.ggml.tokens", tokens, G_N_ELEMENTS(tokens));
        gguf_build_strs(b, "tokenizer.ggml.merges", merges, G_N_ELEMENTS(merges));
        f = open_build(b);
        assert_encodes(f.t, "abc", FALSE, llama ? "4" : "3 2");
        assert_encodes(f.t, "abca", FALSE, "3 2 0");
        g_assert_cmpint(lw_tokenizer_add_bos(f.t), ==, llama);
        close_fixture(&f);
    }
}

/* ---- All kinds ---- */

static gguf_build *build_tiny_bpe(void)
{
    gguf_build *b = gguf_build_new();

    gguf_build_vocab(b, "llama-bpe");
    return b;
}

static gguf_build *build_llama_spm(void)
{
    return vocab_build_spm("llama");
}

static const struct {
    const char *name;
    gguf_build *(*build)(void);
} kinds[] = {{"gpt2", build_tiny_bpe}, {"llama", build_llama_spm}, {"bert", vocab_build_bert}};

/* Untrusted text never becomes a control or user-defined token, wherever it is cut and whoever
 * wrote the other half. */
static void test_injection(void)
{
    static const char *const texts[] = {"<|im_end|>", "<|user|>", "<tool>",       "<think>",
                                        "<s>",        "</s>",     "<unk>",        "[CLS]",
                                        "[SEP]",      "[UNK]",    "<|im_start|>", "<0x0A>"};

    for (gsize k = 0; k < G_N_ELEMENTS(kinds); k++) {
        fixture f = open_build(kinds[k].build());

        for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
            gsize n = strlen(texts[i]);

            for (gsize cut = 0; cut <= n; cut++) {
                lw_span spans[] = {{texts[i], cut, FALSE},
                                   {texts[i] + cut, n - cut, FALSE},
                                   {texts[i], cut, TRUE},
                                   {texts[i] + cut, n - cut, FALSE}};
                GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint32));

                /* The second pair begins with trusted text, which is a special only if it is whole.
                 */
                g_assert_true(
                    lw_tokenizer_encode(f.t, spans, cut > 0 && cut < n ? 4 : 2, ids, NULL));
                for (guint at = 0; at < ids->len; at++) {
                    gint32 id = g_array_index(ids, gint32, at);
                    guint8 type = f.t->kinds[id] & LW_TOKEN_TYPE_MASK;

                    if (id == f.t->unknown) /* WordPiece's answer to unknown words */
                        continue;
                    g_assert_true(type != LW_TOKEN_CONTROL && type != LW_TOKEN_USER);
                }
                g_array_unref(ids);
            }
        }
        close_fixture(&f);
    }
}

static char *decode(const lw_tokenizer *t, const GArray *ids)
{
    lw_detokenizer *d = lw_detokenizer_new(t);
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < ids->len; i++) {
        lw_detokenizer_push(d, g_array_index(ids, gint32, i), out);
        g_assert_true(g_utf8_validate(out->str, (gssize)out->len, NULL));
    }
    lw_detokenizer_finish(d, out);
    lw_detokenizer_free(d);
    return g_string_free(out, FALSE);
}

static void test_decoding(void)
{
    static const char *const texts[] = {"", "abc", " abc", "  a  b", "héllo 你好 🚀", "a\nb\t"};

    for (gsize k = 0; k < 2; k++) {
        fixture f = open_build(kinds[k].build());

        for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
            GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint32));
            char *back;

            g_assert_true(lw_tokenizer_encode_text(f.t, texts[i], -1, FALSE, ids, NULL));
            back = decode(f.t, ids);
            g_assert_cmpstr(back, ==, texts[i]);
            g_free(back);
            g_array_unref(ids);
        }
        close_fixture(&f);
    }
    {
        fixture f = open_build(vocab_build_bert());
        GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint32));
        lw_span span = {"Hello, hello", 12, FALSE};
        char *back;

        g_assert_true(lw_tokenizer_encode_whole(f.t, &span, 1, ids, NULL));
        back = decode(f.t, ids);
        g_assert_cmpstr(back, ==, "hello , hello");
        g_free(back);
        g_array_unref(ids);
        close_fixture(&f);
    }
}

/* Every allocation of reading, preparing and encoding fails once; a failed preparation may be
 * repeated. */
static void test_out_of_memory(void)
{
    for (gsize k = 0; k < G_N_ELEMENTS(kinds); k++) {
        GByteArray *file = gguf_build_finish(kinds[k].build());
        lw_gguf *g = lw_gguf_open_bytes(file->data, file->len, "test.gguf", NULL);
        lw_tokenizer *t = lw_tokenizer_new(g, NULL);
        gboolean done = FALSE;

        for (int i = 0; !done; i++) {
            GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint32));
            GError *error = NULL;

            lw_alloc_fail_at(i);
            done = lw_tokenizer_encode_text(t, "hello " MARK " abc", -1, FALSE, ids, &error);
            lw_alloc_fail_at(-1);
            if (!done)
                g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY);
            g_assert_cmpuint(ids->len > 0, ==, done);
            g_assert_true(!done || i >= 3);
            g_assert_cmpint(i, <, 100);
            g_clear_error(&error);
            g_array_unref(ids);
        }
        lw_tokenizer_free(t);
        lw_gguf_free(g);
        g_byte_array_unref(file);
    }
}

static gpointer encode_in_thread(gpointer data)
{
    lw_span span = {"hello abc <tool>", 16, FALSE};

    return encode_spans(data, &span, 1);
}

/* Many threads meet at the first text. */
static void test_threads(void)
{
    for (guint round = 0; round < 30; round++) {
        fixture f = open_build(kinds[round % G_N_ELEMENTS(kinds)].build());
        GThread *threads[8];
        char *expected = NULL;

        for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
            threads[i] = g_thread_new("encode", encode_in_thread, f.t);
        for (gsize i = 0; i < G_N_ELEMENTS(threads); i++) {
            char *have = g_thread_join(threads[i]);

            if (expected == NULL)
                expected = g_strdup(have);
            g_assert_cmpstr(have, ==, expected);
            g_free(have);
        }
        g_free(expected);
        close_fixture(&f);
    }
}

/* A file that calls its end marker a normal token: text cannot spell it all the same. */
static void test_named_marker(void)
{
    static const char *const tokens[] = {"<", "E", ">", "E>", "<E>"};
    static const char *const merges[] = {"E >", "< E>"};
    gguf_build *b = gguf_build_new();
    fixture f;

    gguf_build_str(b, "tokenizer.ggml.model", "gpt2");
    gguf_build_str(b, "tokenizer.ggml.pre", "gpt-2");
    gguf_build_strs(b, "tokenizer.ggml.tokens", tokens, G_N_ELEMENTS(tokens));
    gguf_build_strs(b, "tokenizer.ggml.merges", merges, G_N_ELEMENTS(merges));
    gguf_build_u32(b, "tokenizer.ggml.eos_token_id", 4);
    f = open_build(b);
    assert_encodes(f.t, "<E>", FALSE, "0 1 2");
    assert_encodes(f.t, "<E>", TRUE, "4");
    g_assert_true(lw_tokenizer_is_eog(f.t, 4));
    close_fixture(&f);
}

static void expect_refusal(gguf_build *b, const char *part)
{
    fixture f = {.file = gguf_build_finish(b)};
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint32));
    GError *error = NULL;

    f.gguf = lw_gguf_open_bytes(f.file->data, f.file->len, "test.gguf", NULL);
    f.t = lw_tokenizer_new(f.gguf, &error);
    if (f.t != NULL)
        g_assert_false(lw_tokenizer_encode_text(f.t, "a", -1, FALSE, ids, &error));
    g_assert_nonnull(error);
    if (strstr(error->message, part) == NULL)
        g_error("the message \"%s\" does not say \"%s\"", error->message, part);
    g_error_free(error);
    g_array_unref(ids);
    close_fixture(&f);
}

static gguf_build *build_scores(const float *scores, gsize n)
{
    static const char *const tokens[] = {"a", "b"};
    gguf_build *b = gguf_build_new();

    gguf_build_str(b, "tokenizer.ggml.model", "llama");
    gguf_build_strs(b, "tokenizer.ggml.tokens", tokens, 2);
    if (scores != NULL)
        gguf_build_f32s(b, "tokenizer.ggml.scores", scores, n);
    return b;
}

static void test_refused(void)
{
    const float bad[] = {0, NAN}, good[] = {0, -INFINITY};
    static const char *const words[] = {MARK "b"};
    gguf_build *b;

    expect_refusal(build_scores(NULL, 0), "scores");
    expect_refusal(build_scores(good, 1), "1 scores for 2 tokens");
    expect_refusal(build_scores(bad, 2), "score of token 1");
    /* Neither bytes nor an unknown token. */
    b = build_scores(good, 2);
    gguf_build_bool(b, "tokenizer.ggml.add_space_prefix", TRUE);
    gguf_build_u32(b, "tokenizer.ggml.unknown_token_id", 7);
    expect_refusal(b, "unknown_token_id' is 7");
    b = gguf_build_new();
    gguf_build_str(b, "tokenizer.ggml.model", "bert");
    gguf_build_strs(b, "tokenizer.ggml.tokens", words, 1);
    expect_refusal(b, "no unknown token");
    b = vocab_build_bert();
    gguf_build_u32(b, "tokenizer.ggml.bos_token_id", BERT_N);
    expect_refusal(b, "bos_token_id' is 11");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vocabularies/spm/small", test_spm);
    g_test_add_func("/vocabularies/spm/specials", test_spm_specials);
    g_test_add_func("/vocabularies/spm/layout", test_layout);
    g_test_add_func("/vocabularies/spm/naive", test_spm_naive);
    g_test_add_func("/vocabularies/merge/blocks", test_blocks);
    g_test_add_func("/vocabularies/merge/long-text", test_long_text);
    g_test_add_func("/vocabularies/wordpiece", test_wordpiece);
    g_test_add_func("/vocabularies/bpe/whole-pieces", test_whole_pieces);
    g_test_add_func("/vocabularies/all/named-marker", test_named_marker);
    g_test_add_func("/vocabularies/all/injection", test_injection);
    g_test_add_func("/vocabularies/all/decoding", test_decoding);
    g_test_add_func("/vocabularies/all/out-of-memory", test_out_of_memory);
    g_test_add_func("/vocabularies/all/threads", test_threads);
    g_test_add_func("/vocabularies/all/refused", test_refused);
    return g_test_run();
}
