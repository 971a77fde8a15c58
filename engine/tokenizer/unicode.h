/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Character classes and UTF-8 reading for the pre-tokenizers, and NFC over text that may be broken.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

enum {
    LW_UNI_LETTER = 1,   /* \p{L} */
    LW_UNI_NUMBER = 2,   /* \p{N} */
    LW_UNI_SPACE = 4,    /* \s */
    LW_UNI_BOUNDARY = 8, /* NFC never changes it, nor joins it to what stands before */
};

/* A byte that is not part of a valid character. */
#define LW_UNI_INVALID G_MAXUINT32

/* Class bits of a code point, 0 for LW_UNI_INVALID and anything above U+10FFFF. */
guint lw_unicode_class(guint32 cp);

/* One character at p < end: *cp and its length in bytes.  A byte that begins no valid UTF-8 (overlong
 * forms and surrogates count as invalid) gives LW_UNI_INVALID and 1. */
gsize lw_utf8_read(const guint8 *p, const guint8 *end, guint32 *cp);

/* TRUE when NFC would leave the text alone for sure (a quick check that may say FALSE needlessly). */
gboolean lw_nfc_is_plain(const guint8 *text, gsize n);

/* NFC never makes UTF-8 longer than this many times. */
#define LW_NFC_GROWTH 3

/* Write the NFC form of text to out, which has room for n * LW_NFC_GROWTH bytes; returns its length.
 * Invalid bytes and NULs are kept and separate what is around them.  Linear time whatever the text; a
 * run of more than 64 KiB of combining characters is no text and is copied as it is. */
gsize lw_nfc(const guint8 *text, gsize n, guint8 *out);

G_END_DECLS
