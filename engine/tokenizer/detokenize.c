/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tokens -> text as they come.  A token may end inside a character: its bytes wait for the next one.
 */
#include "engine/tokenizer/tokenizer-private.h"

static const char replacement[] = "\xef\xbf\xbd";

struct lw_detokenizer {
    const lw_tokenizer *t;
    guint8 pending[4]; /* the beginning of a character, valid so far */
    guint n;
    gboolean started; /* some text has come */
};

lw_detokenizer *lw_detokenizer_new(const lw_tokenizer *t)
{
    lw_detokenizer *d = g_new0(lw_detokenizer, 1);

    d->t = t;
    return d;
}

void lw_detokenizer_free(lw_detokenizer *d)
{
    g_free(d);
}

void lw_detokenizer_reset(lw_detokenizer *d)
{
    d->n = 0;
    d->started = FALSE;
}

/* Bytes of the character that this byte begins, 0 when it begins none. */
static guint sequence_length(guint8 lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xC2 && lead < 0xE0)
        return 2;
    if (lead >= 0xE0 && lead < 0xF0)
        return 3;
    return lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
}

/* The second byte's range excludes overlong forms, surrogates and what lies above U+10FFFF. */
static gboolean may_follow(const lw_detokenizer *d, guint8 byte)
{
    guint8 low = 0x80, high = 0xBF;

    if (d->n == 1) {
        if (d->pending[0] == 0xE0)
            low = 0xA0;
        else if (d->pending[0] == 0xED)
            high = 0x9F;
        else if (d->pending[0] == 0xF0)
            low = 0x90;
        else if (d->pending[0] == 0xF4)
            high = 0x8F;
    }
    return byte >= low && byte <= high;
}

static void push_byte(lw_detokenizer *d, guint8 byte, GString *out)
{
    if (d->n > 0 && !may_follow(d, byte)) {
        g_string_append(out, replacement);
        d->n = 0;
    }
    /* A NUL would end the text for whoever holds it as a C string. */
    if (d->n == 0 && (sequence_length(byte) == 0 || byte == '\0')) {
        g_string_append(out, replacement);
        return;
    }
    d->pending[d->n++] = byte;
    if (d->n == sequence_length(d->pending[0])) {
        g_string_append_len(out, (const char *)d->pending, d->n);
        d->n = 0;
    }
}

void lw_detokenizer_push(lw_detokenizer *d, gint32 id, GString *out)
{
    const char *bytes;
    gsize n;

    if (lw_tokenizer_is_control(d->t, id))
        return;
    bytes = lw_tokenizer_token_bytes(d->t, id, &n);
    if (n > 0 && !d->started) {
        d->started = TRUE;
        /* The space that encoding puts before a text. */
        if (bytes[0] == ' ' && (d->t->space_prefix || d->t->model->spaced_words)) {
            bytes++;
            n--;
        }
    }
    for (gsize i = 0; i < n; i++)
        push_byte(d, (guint8)bytes[i], out);
}

void lw_detokenizer_finish(lw_detokenizer *d, GString *out)
{
    if (d->n > 0)
        g_string_append(out, replacement);
    d->n = 0;
}
