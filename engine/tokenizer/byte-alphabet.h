/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The GPT-2 alphabet: vocabularies of byte-level BPE write each byte as a printable character.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The bytes that a text in the alphabet stands for, at most n; their number, or -1 when a character
 * is not in it. */
gssize lw_byte_alphabet_decode(const char *text, gsize n, char *out);

G_END_DECLS
