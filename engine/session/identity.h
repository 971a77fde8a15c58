/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which model is this?  Two files with the same identity compute the same keys and values; where
 * they lie and what they are called does not matter.
 *
 * SHA-256 over, for the text file and then the vision file: the size, two independent 64-bit
 * checksums of the whole head (every key, the vocabulary, the table of tensors), and for every
 * tensor its name, type, shape and LW_IDENTITY_SAMPLE bytes from its middle.  Hashing all weights
 * would read gigabytes; a fine-tuned model differs in every tensor it trained, so the samples tell
 * it apart.  Weights that were edited by hand outside the samples are not noticed. Cost: a few
 * milliseconds for a head of 10 MB, and one page fault a tensor.
 */
#pragma once

#include "engine/lw-engine.h"

G_BEGIN_DECLS

#define LW_IDENTITY_SAMPLE 1024

void lw_model_identity(const lw_model *m, guint8 out[32]);

G_END_DECLS
