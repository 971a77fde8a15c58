/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pre-tokenizers: hand-written scanners for the split patterns that models name in tokenizer.ggml.pre.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
    const char *name; /* the value of tokenizer.ggml.pre */
    gboolean nfc;     /* the model's tokenizer normalises first */
    gboolean add_bos; /* a text begins with BOS where the file does not say */
    gboolean whole_pieces; /* a piece that is a token is that token, whatever its merges */
    /* Length in bytes, at least 1, of the piece that begins at p < end.  The text may hold any bytes;
     * `end` is the end of the text for the pattern's look-ahead. */
    gsize (*piece)(const guint8 *p, const guint8 *end);
} lw_pretokenizer;

/* NULL: unknown. */
const lw_pretokenizer *lw_pretokenizer_find(const char *name, gsize n);

/* All names, separated by ", ", for messages. */
char *lw_pretokenizer_names(void);

G_END_DECLS
