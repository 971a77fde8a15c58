/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Printable Latin-1 stands for itself, the other 68 bytes are U+0100 to U+0143 in order.
 */
#include "engine/tokenizer/byte-alphabet.h"

/* The byte a character stands for, -1 for other characters. */
static inline gint alphabet_byte(guint32 c)
{
    if ((c >= 0x21 && c <= 0x7E) || (c >= 0xA1 && c <= 0xAC) || (c >= 0xAE && c <= 0xFF))
        return (gint)c;
    if (c >= 0x100 && c < 0x100 + 33)
        return (gint)(c - 0x100);
    if (c >= 0x100 + 33 && c < 0x100 + 67)
        return (gint)(c - 0x100 - 33 + 0x7F);
    return c == 0x100 + 67 ? 0xAD : -1;
}

gssize lw_byte_alphabet_decode(const char *text, gsize n, char *out)
{
    gsize n_out = 0;

    for (gsize i = 0; i < n;) {
        guint8 lead = (guint8)text[i];
        gint byte;

        /* The alphabet ends at U+0143: one or two bytes a character. */
        if (lead < 0x80) {
            byte = alphabet_byte(lead);
            i++;
        } else if (lead >= 0xC2 && lead < 0xE0 && i + 1 < n &&
                   ((guint8)text[i + 1] & 0xC0) == 0x80) {
            byte = alphabet_byte((guint32)(lead & 0x1F) << 6 | ((guint8)text[i + 1] & 0x3F));
            i += 2;
        } else {
            return -1;
        }
        if (byte < 0)
            return -1;
        out[n_out++] = (char)byte;
    }
    return (gssize)n_out;
}
