/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The GGUF reader against files built here: what must be read, and every way a file can lie.
 *
 * Checks, and the test for each (in this file unless another is named):
 *   counts of keys and tensors           /gguf/counts
 *   lengths of keys, names, strings      /gguf/counts, /gguf/string-limits, /gguf/tensor-table
 *   empty names, bytes that are no text  /gguf/values, /gguf/tensor-table, /gguf/format-hostile
 *   arrays: count, overflow, nesting     /gguf/counts, /gguf/values
 *   bools                                /gguf/values
 *   duplicate keys and tensors           /gguf/values, /gguf/tensor-table, /gguf/many-names, test-split
 *   dimensions, element count            /gguf/tensor-records
 *   type, whole blocks, byte count       /gguf/tensor-records, /gguf/types, test-model-file
 *   offsets, overlap, wrap-around        /gguf/tensor-records, /gguf/tensor-table
 *   alignment                            /gguf/alignment
 *   typed reads, element types           /gguf/typed-reads, test-model-file
 *   hyper-parameters and shapes          test-model-file
 *   vocabulary, merges, byte tokens      test-tokenizer (/refused-vocabularies)
 *   chat template: size, limits          the tests of chat templates
 *   a file that shrinks or is rewritten  /gguf/shrinking, /gguf/rewritten, test-split
 *   parts of a split model               test-split
 *
 * Bugs that others had, and the test that would find them here:
 *   CVE-2024-21802, -21825, -21836, -23496, -23605 (counts, lengths, dimensions)
 *                                        /gguf/counts, /gguf/tensor-records
 *   CVE-2024-32878, -41130 (freeing what was never read)  /gguf/out-of-memory, /gguf/truncated
 *   CVE-2025-49847 (token length cut to 32 bits)          test-tokenizer (/refused-vocabularies)
 *   CVE-2025-52566 (signed size of the output)            test-tokenizer (/limits)
 *   CVE-2025-53630, CVE-2026-27940 (sum of sizes wraps)   /gguf/tensor-table
 *   CVE-2026-33298 (bytes of a tensor wrap)               /gguf/tensor-records
 *   CVE-2026-7482 (offset + size beyond the file)         /gguf/tensor-records
 *   CVE-2026-21869 (negative discard in a context shift)  there is no context shift
 *   CVE-2024-34359, CVE-2026-5760 (template run as code)  the tests of chat templates
 *   llama.cpp #26690 (element type confused)              /gguf/typed-reads, test-model-file
 *   llama.cpp #25969 (byte token <0x-1>)                  test-tokenizer (/refused-vocabularies)
 *   llama.cpp #25821 (block_count > 512)                  test-model-file (/hyper-parameters)
 *   llama.cpp #24997 (huge alignment)                     /gguf/alignment
 *   llama.cpp #27188 (array of 2^63 elements)             /gguf/counts, corpus array-2-63.gguf
 *   gguf-tools #25 (more than 8 dimensions)               /gguf/tensor-records
 */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/gguf/gguf-private.h"
#include "engine/lw-error.h"
#include "engine/kernels/weight.h"
#include "tests/unit/gguf-build.h"

static const guint64 dims_32x2[] = {32, 2};

/* Open a copy of exactly n bytes, so that a sanitizer sees any read past the end. */
static lw_gguf *open_copy(const GByteArray *file, gsize n, guint8 **copy, GError **error)
{
    *copy = g_malloc(MAX(n, 1));
    memcpy(*copy, file->data, n);
    return lw_gguf_open_bytes(*copy, n, "test.gguf", error);
}

/* Build, open, expect an error of this code whose message holds this part. */
static void expect_refusal(gguf_build *b, lw_model_error code, const char *part)
{
    GByteArray *file = gguf_build_finish(b);
    GError *error = NULL;
    guint8 *copy;
    lw_gguf *g = open_copy(file, file->len, &copy, &error);

    g_assert_null(g);
    g_assert_error(error, LW_MODEL_ERROR, (gint)code);
    if (strstr(error->message, part) == NULL)
        g_error("the message \"%s\" does not say \"%s\"", error->message, part);
    g_assert_nonnull(strstr(error->message, "test.gguf"));
    g_error_free(error);
    g_free(copy);
    g_byte_array_unref(file);
}

static gguf_build *sample(void)
{
    gguf_build *b = gguf_build_new();
    static const char *const names[] = {"one", "", "three"};
    static const gint32 ints[] = {-1, 0, 7};
    static const float floats[] = {0.5f, -2};
    static const guint8 bools[] = {1, 0};
    guint16 u16 = 65535;
    gint8 i8 = -5;
    gint64 i64 = G_MININT64;
    guint64 u64 = G_MAXUINT64;
    double f64 = 1e-6, huge = 1e300;

    gguf_build_str(b, "general.architecture", "qwen2vl");
    gguf_build_u32(b, "u32", 4000000000u);
    gguf_build_raw(b, "u16", LW_GGUF_U16, &u16, 2);
    gguf_build_raw(b, "i8", LW_GGUF_I8, &i8, 1);
    gguf_build_raw(b, "i64", LW_GGUF_I64, &i64, 8);
    gguf_build_raw(b, "u64", LW_GGUF_U64, &u64, 8);
    gguf_build_raw(b, "f64", LW_GGUF_F64, &f64, 8);
    gguf_build_raw(b, "huge", LW_GGUF_F64, &huge, 8);
    gguf_build_f32(b, "f32", 1.5f);
    gguf_build_bool(b, "bool", TRUE);
    gguf_build_strs(b, "strs", names, G_N_ELEMENTS(names));
    gguf_build_i32s(b, "ints", ints, G_N_ELEMENTS(ints));
    gguf_build_f32s(b, "floats", floats, G_N_ELEMENTS(floats));
    gguf_build_array(b, "bools", LW_GGUF_BOOL, 2);
    gguf_put(b->keys, bools, 2);
    gguf_build_str(b, "long", "two\nlines");
    gguf_build_tensor(b, "b.weight", LW_TYPE_Q8_0, 2, dims_32x2, NULL, 68);
    gguf_build_tensor(b, "a.weight", LW_TYPE_F32, 2, dims_32x2, NULL, 256);
    return b;
}

static void test_read(void)
{
    GByteArray *file = gguf_build_finish(sample());
    GError *error = NULL;
    lw_gguf *g = lw_gguf_open_bytes(file->data, file->len, "test.gguf", &error);
    const lw_gguf_tensor *t;
    lw_gguf_str s, *strs;
    gint32 *ints;
    float *floats, f;
    gsize n;
    guint32 u;
    gint64 i;
    gboolean flag = FALSE;

    g_assert_no_error(error);
    g_assert_cmpuint(lw_gguf_n_kv(g), ==, 15);
    g_assert_cmpuint(lw_gguf_n_tensors(g), ==, 2);
    g_assert_cmpuint(lw_gguf_file_bytes(g), ==, file->len);

    g_assert_true(lw_gguf_get_str(g, "general.architecture", &s, NULL));
    g_assert_cmpmem(s.bytes, s.n, "qwen2vl", 7);
    g_assert_true(lw_gguf_get_u32(g, "u32", &u, NULL));
    g_assert_cmpuint(u, ==, 4000000000u);
    g_assert_true(lw_gguf_get_u32(g, "u16", &u, NULL));
    g_assert_cmpuint(u, ==, 65535);
    g_assert_true(lw_gguf_get_i64(g, "i8", &i, NULL));
    g_assert_cmpint(i, ==, -5);
    g_assert_true(lw_gguf_get_i64(g, "i64", &i, NULL));
    g_assert_cmpint(i, ==, G_MININT64);
    g_assert_true(lw_gguf_get_f32(g, "f32", &f, NULL));
    g_assert_cmpfloat(f, ==, 1.5f);
    g_assert_true(lw_gguf_get_f32(g, "f64", &f, NULL));
    g_assert_cmpfloat(f, ==, 1e-6f);
    g_assert_true(lw_gguf_get_bool(g, "bool", &flag, NULL));
    g_assert_true(flag);
    g_assert_true(lw_gguf_has(g, "strs"));
    g_assert_false(lw_gguf_has(g, "str"));

    g_assert_true(lw_gguf_get_str_array(g, "strs", &strs, &n, NULL));
    g_assert_cmpuint(n, ==, 3);
    g_assert_cmpmem(strs[2].bytes, strs[2].n, "three", 5);
    g_assert_cmpuint(strs[1].n, ==, 0);
    g_free(strs);
    g_assert_true(lw_gguf_get_i32_array(g, "ints", &ints, &n, NULL));
    g_assert_cmpuint(n, ==, 3);
    g_assert_cmpint(ints[0], ==, -1);
    g_assert_cmpint(ints[2], ==, 7);
    g_free(ints);
    g_assert_true(lw_gguf_get_i32_array(g, "bools", &ints, &n, NULL));
    g_assert_cmpint(ints[0], ==, 1);
    g_assert_cmpint(ints[1], ==, 0);
    g_free(ints);
    g_assert_true(lw_gguf_get_f32_array(g, "floats", &floats, &n, NULL));
    g_assert_cmpfloat(floats[1], ==, -2);
    g_free(floats);

    t = lw_gguf_find_tensor(g, "a.weight");
    g_assert_nonnull(t);
    g_assert_cmpuint(t->n_bytes, ==, 256);
    g_assert_cmpuint(t->dims[0], ==, 32);
    g_assert_cmpuint(t->dims[3], ==, 1);
    g_assert_cmpuint((gsize)((const guint8 *)t->data - file->data) % 32, ==, 0);
    g_assert_true((const guint8 *)t->data + t->n_bytes == file->data + file->len);
    g_assert_true(lw_gguf_tensor_at(g, 0) == lw_gguf_find_tensor(g, "b.weight"));
    g_assert_null(lw_gguf_find_tensor(g, "c.weight"));
    lw_gguf_free(g);
    g_byte_array_unref(file);
}

/* A read of the wrong type or out of range is an error, of an absent key none (scores read as integers,
 * element types confused: both were exploitable elsewhere). */
static void test_typed_reads(void)
{
    GByteArray *file = gguf_build_finish(sample());
    lw_gguf *g = lw_gguf_open_bytes(file->data, file->len, "test.gguf", NULL);
    GError *error = NULL;
    lw_gguf_str s, *strs;
    gint32 *ints;
    float *floats, f;
    gsize n;
    guint32 u;
    gint64 i;
    gboolean flag;

#define EXPECT_CORRUPT(call)                                                                              \
    do {                                                                                                  \
        g_assert_false(call);                                                                             \
        g_assert_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT);                                    \
        g_clear_error(&error);                                                                            \
    } while (0)
    EXPECT_CORRUPT(lw_gguf_get_u32(g, "i8", &u, &error));
    EXPECT_CORRUPT(lw_gguf_get_u32(g, "u64", &u, &error));
    EXPECT_CORRUPT(lw_gguf_get_u32(g, "f32", &u, &error));
    EXPECT_CORRUPT(lw_gguf_get_u32(g, "bool", &u, &error));
    EXPECT_CORRUPT(lw_gguf_get_u32(g, "ints", &u, &error));
    EXPECT_CORRUPT(lw_gguf_get_i64(g, "u64", &i, &error));
    EXPECT_CORRUPT(lw_gguf_get_i64(g, "general.architecture", &i, &error));
    EXPECT_CORRUPT(lw_gguf_get_f32(g, "u32", &f, &error));
    EXPECT_CORRUPT(lw_gguf_get_f32(g, "huge", &f, &error));
    EXPECT_CORRUPT(lw_gguf_get_bool(g, "u32", &flag, &error));
    EXPECT_CORRUPT(lw_gguf_get_str(g, "strs", &s, &error));
    EXPECT_CORRUPT(lw_gguf_get_str(g, "u64", &s, &error));
    EXPECT_CORRUPT(lw_gguf_get_str_array(g, "ints", &strs, &n, &error));
    EXPECT_CORRUPT(lw_gguf_get_str_array(g, "general.architecture", &strs, &n, &error));
    EXPECT_CORRUPT(lw_gguf_get_i32_array(g, "floats", &ints, &n, &error));
    EXPECT_CORRUPT(lw_gguf_get_i32_array(g, "strs", &ints, &n, &error));
    EXPECT_CORRUPT(lw_gguf_get_f32_array(g, "ints", &floats, &n, &error));
    EXPECT_CORRUPT(lw_gguf_get_f32_array(g, "f32", &floats, &n, &error));
#undef EXPECT_CORRUPT
    g_assert_false(lw_gguf_get_u32(g, "absent", &u, &error));
    g_assert_no_error(error);
    g_assert_false(lw_gguf_get_str_array(g, "absent", &strs, &n, &error));
    g_assert_no_error(error);
    lw_gguf_free(g);
    g_byte_array_unref(file);
}

static void test_format(void)
{
    static const char *const expected[] = {
        "qwen2vl", "4000000000", "65535",     "-5",         "-9223372036854775808", "18446744073709551615",
        "1e-06",   "1e+300",     "1.5",       "true",       "[3 strings]",          "[-1, 0, 7]",
        "[0.5, -2]", "[true, false]", "two\\nlines"};
    GByteArray *file = gguf_build_finish(sample());
    lw_gguf *g = lw_gguf_open_bytes(file->data, file->len, "test.gguf", NULL);
    lw_gguf_type type;

    for (gsize i = 0; i < G_N_ELEMENTS(expected); i++) {
        char *line = lw_gguf_format_value(g, i);

        g_assert_cmpstr(line, ==, expected[i]);
        g_free(line);
    }
    g_assert_cmpstr(lw_gguf_key_at(g, 1, &type), ==, "u32");
    g_assert_cmpint(type, ==, LW_GGUF_U32);
    lw_gguf_free(g);
    g_byte_array_unref(file);
}

/* Bytes of a value that are not text become printable. */
static void test_format_hostile(void)
{
    gguf_build *b = gguf_build_new();
    char text[300];
    GByteArray *file;
    lw_gguf *g;
    char *line;

    memset(text, 'x', sizeof text);
    memcpy(text, "\x1b[31m\0\xff\xfe", 8);
    memcpy(text + 119, "\xc3\xa9", 2); /* cut in half by the display limit */
    gguf_build_raw(b, "s", LW_GGUF_STRING, NULL, 0);
    gguf_put_bytes(b->keys, text, sizeof text);
    file = gguf_build_finish(b);
    g = lw_gguf_open_bytes(file->data, file->len, "test.gguf", NULL);
    line = lw_gguf_format_value(g, 0);
    g_assert_true(g_utf8_validate(line, -1, NULL));
    g_assert_null(strchr(line, '\x1b'));
    g_assert_true(g_str_has_suffix(line, "xxx… (300 bytes)"));
    g_free(line);
    lw_gguf_free(g);
    g_byte_array_unref(file);
}

static void test_header(void)
{
    gguf_build *b = sample();
    GByteArray *file;
    lw_gguf *g;

    b->version = 2;
    file = gguf_build_finish(b);
    g = lw_gguf_open_bytes(file->data, file->len, "test.gguf", NULL);
    g_assert_nonnull(g);
    lw_gguf_free(g);
    g_byte_array_unref(file);

    b = sample();
    b->version = 1;
    expect_refusal(b, LW_MODEL_ERROR_UNSUPPORTED, "version 1");
    b = sample();
    b->version = 4;
    expect_refusal(b, LW_MODEL_ERROR_UNSUPPORTED, "version 4");
    b = sample();
    b->version = 3u << 24;
    expect_refusal(b, LW_MODEL_ERROR_UNSUPPORTED, "big-endian");

    file = gguf_build_finish(sample());
    file->data[3] = 'X';
    g = lw_gguf_open_bytes(file->data, file->len, "test.gguf", NULL);
    g_assert_null(g);
    g_byte_array_unref(file);
}

/* Every prefix of a good file is refused, and no byte past its end is read. */
static void test_truncated(void)
{
    GByteArray *file = gguf_build_finish(sample());

    for (gsize n = 0; n < file->len; n++) {
        GError *error = NULL;
        guint8 *copy;
        lw_gguf *g = open_copy(file, n, &copy, &error);

        g_assert_null(g);
        g_assert_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT);
        g_error_free(error);
        g_free(copy);
    }
    g_byte_array_unref(file);
}

/* Flip each byte to a few values: anything may come out except a crash. */
static void test_mutated(void)
{
    static const guint8 values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    GByteArray *file = gguf_build_finish(sample());
    guint n_refused = 0;

    for (gsize i = 0; i < file->len; i++) {
        for (gsize k = 0; k < G_N_ELEMENTS(values); k++) {
            guint8 *copy;
            guint8 saved = file->data[i];
            lw_gguf *g;

            file->data[i] = values[k];
            g = open_copy(file, file->len, &copy, NULL);
            file->data[i] = saved;
            n_refused += g == NULL;
            for (gsize q = 0; g != NULL && q < lw_gguf_n_kv(g); q++)
                g_free(lw_gguf_format_value(g, q));
            lw_gguf_free(g);
            g_free(copy);
        }
    }
    g_assert_cmpuint(n_refused, >, 100);
    g_byte_array_unref(file);
}

/* Header counts, string lengths and array counts (the Talos reports CVE-2024-21802 and following). */
static void test_counts(void)
{
    static const guint64 counts[] = {65537, 1000, G_GUINT64_CONSTANT(1) << 61,
                                     G_GUINT64_CONSTANT(1) << 63, G_MAXUINT64};
    guint64 big;

    for (gsize i = 0; i < G_N_ELEMENTS(counts); i++) {
        gguf_build *b = sample();

        b->n_tensors = counts[i];
        expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "tensors");
        b = sample();
        b->n_keys = counts[i];
        expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "");

        b = gguf_build_new();
        big = GUINT64_TO_LE(counts[i]);
        gguf_build_raw(b, "s", LW_GGUF_STRING, &big, 8);
        expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "string");

        b = gguf_build_new();
        gguf_build_array(b, "a", LW_GGUF_STRING, counts[i]);
        expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "'a' claims");
        b = gguf_build_new();
        gguf_build_array(b, "a", LW_GGUF_U64, counts[i]);
        expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "'a' claims");
        b = gguf_build_new();
        gguf_build_array(b, "a", LW_GGUF_U8, counts[i]);
        expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "'a' claims");

        b = gguf_build_new();
        gguf_put_u64(b->keys, counts[i]); /* a key's length */
        gguf_put(b->keys, "0123456789", 10);
        b->n_keys = 1;
        expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "a key");
    }
}

/* The limits themselves, with bytes that are really there: at the limit fine, one more refused. */
static void test_string_limits(void)
{
    enum { KEY = 64 * 1024, VALUE = 16 * 1024 * 1024 };
    char *text = g_strnfill(VALUE + 1, 'x');
    GByteArray *file;
    gguf_build *b;
    lw_gguf *g;
    lw_gguf_str s;
    gsize n_strs;
    lw_gguf_str *strs;
    const guint8 one = 1;

    for (gsize more = 0; more < 2; more++) {
        b = gguf_build_new();
        gguf_put_bytes(b->keys, text, KEY + more);
        gguf_put_u32(b->keys, LW_GGUF_U8);
        gguf_put(b->keys, &one, 1);
        b->n_keys = 1;
        if (more > 0) {
            expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "a key of 65537 bytes");
            continue;
        }
        file = gguf_build_finish(b);
        g = lw_gguf_open_bytes(file->data, file->len, "test.gguf", NULL);
        g_assert_nonnull(g);
        lw_gguf_free(g);
        g_byte_array_unref(file);
    }

    b = gguf_build_new();
    gguf_build_raw(b, "s", LW_GGUF_STRING, NULL, 0);
    gguf_put_bytes(b->keys, text, VALUE + 1);
    expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "a string of 16777217 bytes");
    b = gguf_build_new();
    gguf_build_array(b, "a", LW_GGUF_STRING, 1);
    gguf_put_bytes(b->keys, text, VALUE + 1);
    expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "16777217 bytes");

    b = gguf_build_new();
    gguf_build_raw(b, "s", LW_GGUF_STRING, NULL, 0);
    gguf_put_bytes(b->keys, text, VALUE);
    gguf_build_strs(b, "none", NULL, 0);
    file = gguf_build_finish(b);
    g = lw_gguf_open_bytes(file->data, file->len, "test.gguf", NULL);
    g_assert_true(lw_gguf_get_str(g, "s", &s, NULL));
    g_assert_cmpuint(s.n, ==, VALUE);
    g_assert_true(lw_gguf_get_str_array(g, "none", &strs, &n_strs, NULL));
    g_assert_cmpuint(n_strs, ==, 0);
    g_free(strs);
    lw_gguf_free(g);
    g_byte_array_unref(file);
    g_free(text);
}

/* As many keys and tensors as are allowed, with names that differ in their last bytes: a table with quadratic
 * cost would not come to an end here. */
static void test_many_names(void)
{
    enum { N = 65536 };
    gguf_build *b = gguf_build_new();
    const guint64 dims[] = {1};
    char name[64];
    GByteArray *file;
    lw_gguf *g;
    guint32 v;

    for (guint i = 0; i < N; i++) {
        g_snprintf(name, sizeof name, "the-same-beginning-of-every-name.%05u", i);
        gguf_build_u32(b, name, i);
        gguf_build_record(b, name, LW_TYPE_F32, 1, dims, (guint64)i * 32);
    }
    g_byte_array_set_size(b->data, N * 32);
    memset(b->data->data, 0, N * 32);
    file = gguf_build_finish(b);
    g = lw_gguf_open_bytes(file->data, file->len, "test.gguf", NULL);
    g_assert_nonnull(g);
    g_assert_true(lw_gguf_get_u32(g, "the-same-beginning-of-every-name.12345", &v, NULL));
    g_assert_cmpuint(v, ==, 12345);
    g_assert_nonnull(lw_gguf_find_tensor(g, "the-same-beginning-of-every-name.65535"));
    lw_gguf_free(g);
    g_byte_array_unref(file);
}

static void test_values(void)
{
    gguf_build *b = gguf_build_new();
    guint8 two = 2;
    guint32 zero = 0;

    gguf_build_raw(b, "flag", LW_GGUF_BOOL, &two, 1);
    expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "'flag'");
    b = gguf_build_new();
    gguf_build_array(b, "flags", LW_GGUF_BOOL, 1);
    gguf_put(b->keys, &two, 1);
    expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "'flags'");
    b = gguf_build_new();
    gguf_build_raw(b, "k", 13, &zero, 4);
    expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "unknown type 13");
    b = gguf_build_new();
    gguf_build_array(b, "a", 13, 0);
    expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "unknown type 13");
    b = gguf_build_new();
    gguf_build_array(b, "nested", LW_GGUF_ARRAY, 1);
    gguf_put_u32(b->keys, LW_GGUF_U8);
    gguf_put_u64(b->keys, 0);
    expect_refusal(b, LW_MODEL_ERROR_UNSUPPORTED, "array of arrays");

    b = gguf_build_new();
    gguf_build_u32(b, "same", 1);
    gguf_build_u32(b, "other", 1);
    gguf_build_u32(b, "same", 2);
    expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "'same' appears twice");
    b = gguf_build_new();
    gguf_build_u32(b, "", 1);
    expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "empty");
    b = gguf_build_new();
    gguf_build_u32(b, "\xff", 1);
    expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "plain text");
    b = gguf_build_new();
    gguf_put_bytes(b->keys, "a\0b", 3);
    gguf_put_u32(b->keys, LW_GGUF_U8);
    gguf_put(b->keys, &two, 1);
    b->n_keys = 1;
    expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "plain text");
}

static void expect_bad_record(guint32 type, guint32 n_dims, const guint64 *dims, guint64 offset,
                              lw_model_error code, const char *part)
{
    gguf_build *b = gguf_build_new();

    gguf_build_record(b, "t", type, n_dims, dims, offset);
    g_byte_array_set_size(b->data, 4096);
    memset(b->data->data, 0, 4096);
    expect_refusal(b, code, part);
}

static void test_tensor_records(void)
{
    static const guint64 half = G_GUINT64_CONSTANT(1) << 63, quarter = G_GUINT64_CONSTANT(1) << 32;
    const guint64 zero[] = {32, 0}, wrap[] = {quarter, quarter, 2, 1}, one[] = {half};
    const guint64 negative[] = {G_MAXUINT64, G_MAXUINT64}, rows[] = {33};
    const guint64 bytes_wrap[] = {G_GUINT64_CONSTANT(1) << 62}, ok[] = {32, 1, 1, 1, 1, 1, 1, 1, 1};
    const guint64 large[] = {1025}, nearly[] = {(G_GUINT64_CONSTANT(1) << 62) - 16}; /* 2^64 - 64 bytes */

    expect_bad_record(LW_TYPE_F32, 2, zero, 0, LW_MODEL_ERROR_CORRUPT, "dimension 1");
    expect_bad_record(LW_TYPE_F32, 3, wrap, 0, LW_MODEL_ERROR_CORRUPT, "too many elements");
    expect_bad_record(LW_TYPE_F32, 1, one, 0, LW_MODEL_ERROR_CORRUPT, "too many elements");
    expect_bad_record(LW_TYPE_F32, 2, negative, 0, LW_MODEL_ERROR_CORRUPT, "too many elements");
    expect_bad_record(LW_TYPE_F32, 1, bytes_wrap, 0, LW_MODEL_ERROR_CORRUPT, "overflows");
    expect_bad_record(LW_TYPE_Q8_0, 1, rows, 0, LW_MODEL_ERROR_CORRUPT, "multiple of 32");
    expect_bad_record(LW_TYPE_F32, 0, ok, 0, LW_MODEL_ERROR_CORRUPT, "0 dimensions");
    expect_bad_record(LW_TYPE_F32, 5, ok, 0, LW_MODEL_ERROR_CORRUPT, "5 dimensions");
    expect_bad_record(LW_TYPE_F32, 9, ok, 0, LW_MODEL_ERROR_CORRUPT, "9 dimensions");
    expect_bad_record(97, 1, ok, 0, LW_MODEL_ERROR_UNSUPPORTED, "type 97");
    expect_bad_record(4, 1, ok, 0, LW_MODEL_ERROR_UNSUPPORTED, "type 4");
    expect_bad_record(G_MAXUINT32, 1, ok, 0, LW_MODEL_ERROR_UNSUPPORTED, "type 4294967295");
    expect_bad_record(LW_TYPE_F32, 1, ok, 16, LW_MODEL_ERROR_CORRUPT, "multiple of 32");
    expect_bad_record(LW_TYPE_F32, 1, ok, 4096, LW_MODEL_ERROR_CORRUPT, "cut short");
    expect_bad_record(LW_TYPE_F32, 1, large, 0, LW_MODEL_ERROR_CORRUPT, "cut short");
    /* Offset + size wraps around. */
    expect_bad_record(LW_TYPE_F32, 1, ok, G_MAXUINT64 - 31, LW_MODEL_ERROR_CORRUPT, "cut short");
    expect_bad_record(LW_TYPE_F32, 1, nearly, 64, LW_MODEL_ERROR_CORRUPT, "cut short");
}

static void test_tensor_table(void)
{
    gguf_build *b = gguf_build_new();
    char name[80];

    gguf_build_tensor(b, "t", LW_TYPE_F32, 2, dims_32x2, NULL, 256);
    gguf_build_tensor(b, "t", LW_TYPE_F32, 2, dims_32x2, NULL, 256);
    expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "'t' appears twice");

    b = gguf_build_new();
    gguf_build_record(b, "x", LW_TYPE_F32, 2, dims_32x2, 0);
    gguf_build_record(b, "y", LW_TYPE_F32, 2, dims_32x2, 224);
    g_byte_array_set_size(b->data, 4096);
    expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "overlap");

    /* The sum of the sizes wraps (CVE-2025-53630): each is far beyond the file anyway. */
    b = gguf_build_new();
    for (guint i = 0; i < 4; i++) {
        const guint64 dims[] = {G_GUINT64_CONSTANT(1) << 60};

        g_snprintf(name, sizeof name, "w%u", i);
        gguf_build_record(b, name, LW_TYPE_F32, 1, dims, (guint64)i << 62);
    }
    expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "cut short");

    memset(name, 'n', 64);
    name[64] = '\0';
    b = gguf_build_new();
    gguf_build_tensor(b, name, LW_TYPE_F32, 2, dims_32x2, NULL, 256);
    expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "name of 64 bytes");
    b = gguf_build_new();
    gguf_build_tensor(b, "a\nb", LW_TYPE_F32, 2, dims_32x2, NULL, 256);
    expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "plain text");
}

static void test_alignment(void)
{
    static const guint32 bad[] = {0, 1, 4, 24, 33, 2u * 1024 * 1024, 0x80000000u};
    gguf_build *b;
    GByteArray *file;
    lw_gguf *g;

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        b = gguf_build_new();
        gguf_build_u32(b, "general.alignment", bad[i]);
        gguf_build_tensor(b, "t", LW_TYPE_F32, 2, dims_32x2, NULL, 256);
        expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "general.alignment");
    }
    b = gguf_build_new();
    gguf_build_str(b, "general.alignment", "32");
    expect_refusal(b, LW_MODEL_ERROR_CORRUPT, "general.alignment");

    b = gguf_build_new();
    b->alignment = 128;
    gguf_build_u32(b, "general.alignment", 128);
    gguf_build_tensor(b, "t", LW_TYPE_F32, 2, dims_32x2, NULL, 256);
    gguf_build_tensor(b, "u", LW_TYPE_F16, 2, dims_32x2, NULL, 128);
    file = gguf_build_finish(b);
    g = lw_gguf_open_bytes(file->data, file->len, "test.gguf", NULL);
    g_assert_nonnull(g);
    g_assert_cmpuint((gsize)((const guint8 *)lw_gguf_find_tensor(g, "u")->data - file->data) % 128, ==, 0);
    lw_gguf_free(g);
    g_byte_array_unref(file);
}

/* Each allocation fails once: an error comes out and nothing is freed twice or kept (a sanitizer and
 * CVE-2024-32878's pattern: freeing keys that were never read). */
static void test_out_of_memory(void)
{
    GByteArray *file = gguf_build_finish(sample());
    gboolean done = FALSE;
    guint n_failed = 0;

    for (int k = 0; !done; k++) {
        GError *error = NULL;
        lw_gguf *g;

        lw_alloc_fail_at(k);
        g = lw_gguf_open_bytes(file->data, file->len, "test.gguf", &error);
        lw_alloc_fail_at(-1);
        if (g == NULL) {
            g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY);
            g_error_free(error);
            n_failed++;
        }
        done = g != NULL;
        lw_gguf_free(g);
    }
    g_assert_cmpuint(n_failed, >, 15);
    g_byte_array_unref(file);
}

static void test_types(void)
{
    static const guint retired[] = {4, 5, 31, 32, 33, 36, 37, 38};
    guint n_supported = 0;

    /* What the reader calls supported is what the kernels know, with the same sizes. */
    for (guint i = 0; i < 64; i++) {
        const lw_type_info *info = lw_type_get_info(i);
        const lw_weight_type *kernels = lw_weight_type_get(i);
        g_assert_cmpint(info->supported, ==, kernels != NULL);
        if (!kernels)
            continue;
        g_assert_cmpuint(info->block_elems, ==, kernels->elems);
        g_assert_cmpuint(info->block_bytes, ==, kernels->block_bytes);
        n_supported++;
    }
    g_assert_cmpuint(n_supported, ==, 16);
    for (gsize i = 0; i < G_N_ELEMENTS(retired); i++)
        g_assert_cmpuint(lw_type_get_info(retired[i])->block_elems, ==, 0);
    g_assert_cmpstr(lw_type_get_info(97)->name, ==, "type 97");
    g_assert_cmpstr(lw_type_get_info(12)->name, ==, "Q4_K");
    g_assert_cmpuint(lw_type_row_bytes(LW_TYPE_Q8_0, 64), ==, 68);
    g_assert_cmpuint(lw_type_row_bytes(LW_TYPE_Q4_0, 64), ==, 36);
    g_assert_cmpuint(lw_type_row_bytes(14, 256), ==, 210);
    g_assert_cmpuint(lw_type_row_bytes(LW_TYPE_Q8_0, 33), ==, 0);
    g_assert_cmpuint(lw_type_row_bytes(97, 32), ==, 0);
    g_assert_cmpuint(lw_type_row_bytes(LW_TYPE_F32, G_MAXSIZE / 2), ==, 0);
}

/* ---- Files ---- */

static char *temporary_file(const void *bytes, gsize n)
{
    char *path = NULL;
    int fd = g_file_open_tmp("lw-gguf-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, bytes, n), ==, (gssize)n);
    close(fd);
    return path;
}

static void expect_io_error(const char *path, gint code)
{
    GError *error = NULL;

    g_assert_null(lw_gguf_open(path, &error));
    g_assert_error(error, LW_MODEL_ERROR, code);
    g_assert_nonnull(strstr(error->message, path));
    g_error_free(error);
}

static void test_files(void)
{
    char *path = temporary_file("", 0), *fifo;

    expect_io_error(path, LW_MODEL_ERROR_NOT_GGUF);
    g_unlink(path);
    expect_io_error(path, LW_MODEL_ERROR_NOT_FOUND);
    expect_io_error(g_get_tmp_dir(), LW_MODEL_ERROR_IO);
    fifo = g_strconcat(path, ".fifo", NULL);
    if (mkfifo(fifo, 0600) == 0) {
        expect_io_error(fifo, LW_MODEL_ERROR_IO); /* without waiting for a writer */
        g_unlink(fifo);
    }
    g_free(fifo);
    g_free(path);
}

/* A file cut short while it is mapped: its lost pages read as zeros and the reader knows. */
static void test_shrinking(void)
{
    const guint64 dims[] = {64 * 1024};
    gguf_build *b = gguf_build_new();
    guint8 *ones = g_malloc(256 * 1024);
    const lw_gguf_tensor *t;
    GByteArray *file;
    GError *error = NULL;
    char *path;
    lw_gguf *g;
    const guint8 *data;

    memset(ones, 1, 256 * 1024);
    gguf_build_tensor(b, "t", LW_TYPE_F32, 1, dims, ones, 256 * 1024);
    file = gguf_build_finish(b);
    path = temporary_file(file->data, file->len);
    g = lw_gguf_open(path, &error);
    g_assert_no_error(error);
    t = lw_gguf_find_tensor(g, "t");
    data = t->data;
    lw_gguf_prefetch(g);
    g_assert_cmpuint(data[200 * 1024], ==, 1);
    g_assert_true(lw_gguf_is_intact(g));

    g_assert_cmpint(truncate(path, 64 * 1024), ==, 0);
    g_assert_cmpuint(data[16 * 1024], ==, 1);
    g_assert_true(lw_gguf_is_intact(g));
    g_assert_cmpuint(data[200 * 1024], ==, 0);
    g_assert_false(lw_gguf_is_intact(g));
    /* A later fault before the first one works too, and what is still there stays. */
    g_assert_cmpuint(data[100 * 1024], ==, 0);
    g_assert_cmpuint(data[t->n_bytes - 1], ==, 0);
    g_assert_cmpuint(data[16 * 1024], ==, 1);
    lw_gguf_free(g);

    /* The next mapping starts intact. */
    g_assert_cmpint(truncate(path, 0), ==, 0);
    g_assert_true(g_file_set_contents(path, (const char *)file->data, file->len, NULL));
    g = lw_gguf_open(path, &error);
    g_assert_no_error(error);
    g_assert_true(lw_gguf_is_intact(g));
    lw_gguf_free(g);
    g_unlink(path);
    g_free(path);
    g_free(ones);
    g_byte_array_unref(file);
}

/* A string array whose lengths were rewritten after opening is caught by the read. */
static void test_rewritten(void)
{
    gguf_build *b = gguf_build_new();
    static const char *const names[] = {"one", "two"};
    GByteArray *file;
    GError *error = NULL;
    lw_gguf_str *strs;
    lw_gguf *g;
    gsize n;

    gguf_build_strs(b, "s", names, 2);
    file = gguf_build_finish(b);
    g = lw_gguf_open_bytes(file->data, file->len, "test.gguf", NULL);
    memset(file->data + file->len - 11, 0xff, 8); /* the length of "two" */
    g_assert_false(lw_gguf_get_str_array(g, "s", &strs, &n, &error));
    g_assert_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_IO);
    g_error_free(error);
    lw_gguf_free(g);
    g_byte_array_unref(file);
}

static void test_many_mappings(void)
{
    GByteArray *file = gguf_build_finish(sample());
    char *path = temporary_file(file->data, file->len);
    lw_gguf *open[LW_MAPPING_MAX + 6];
    guint n = 0;

    for (guint i = 0; i < G_N_ELEMENTS(open); i++) {
        open[i] = lw_gguf_open(path, NULL);
        n += open[i] != NULL;
    }
    g_assert_cmpuint(n, ==, LW_MAPPING_MAX);
    expect_io_error(path, LW_MODEL_ERROR_IO);
    for (guint i = 0; i < G_N_ELEMENTS(open); i++)
        lw_gguf_free(open[i]);
    g_unlink(path);
    g_free(path);
    g_byte_array_unref(file);
}

static void test_alloc(void)
{
    GError *error = NULL;
    guint8 *p = lw_alloc_try(100, "a test", &error);

    g_assert_nonnull(p);
    g_assert_cmpuint((gsize)p % LW_ALIGN, ==, 0);
    lw_free(p);
    p = lw_alloc0_array_try(0, 8, "a test", &error);
    g_assert_nonnull(p);
    lw_free(p);
    lw_free(NULL);
    g_assert_null(lw_alloc0_array_try(G_MAXSIZE / 4, 8, "a test", &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY);
    g_assert_nonnull(strstr(error->message, "a test"));
    g_clear_error(&error);
    g_assert_null(lw_alloc_try(G_MAXSIZE - 1, "a test", &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY);
    g_clear_error(&error);

    lw_alloc_fail_at(1);
    p = lw_alloc_try(1, "a test", NULL);
    g_assert_nonnull(p);
    lw_free(p);
    g_assert_null(lw_alloc_try(1, "a test", NULL));
    p = lw_alloc_try(1, "a test", NULL);
    g_assert_nonnull(p);
    lw_free(p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/alloc", test_alloc);
    g_test_add_func("/gguf/read", test_read);
    g_test_add_func("/gguf/typed-reads", test_typed_reads);
    g_test_add_func("/gguf/format", test_format);
    g_test_add_func("/gguf/format-hostile", test_format_hostile);
    g_test_add_func("/gguf/header", test_header);
    g_test_add_func("/gguf/truncated", test_truncated);
    g_test_add_func("/gguf/mutated", test_mutated);
    g_test_add_func("/gguf/counts", test_counts);
    g_test_add_func("/gguf/string-limits", test_string_limits);
    g_test_add_func("/gguf/many-names", test_many_names);
    g_test_add_func("/gguf/values", test_values);
    g_test_add_func("/gguf/tensor-records", test_tensor_records);
    g_test_add_func("/gguf/tensor-table", test_tensor_table);
    g_test_add_func("/gguf/alignment", test_alignment);
    g_test_add_func("/gguf/out-of-memory", test_out_of_memory);
    g_test_add_func("/gguf/types", test_types);
    g_test_add_func("/gguf/files", test_files);
    g_test_add_func("/gguf/shrinking", test_shrinking);
    g_test_add_func("/gguf/rewritten", test_rewritten);
    g_test_add_func("/gguf/many-mappings", test_many_mappings);
    return g_test_run();
}
