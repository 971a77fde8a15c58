/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pictures without a file of their own (pasted, of the camera) that could not be saved: they are asked about all
 * the same, from a folder for temporary files, and saved when that works again.  So are pictures and documents that
 * have a file: it stays where it is until then.
 *
 * Thread: any, one at a time.
 */
#pragma once

#include "memory/lw-memory.h"

G_BEGIN_DECLS

typedef struct _LwUnsavedPictures LwUnsavedPictures;

LwUnsavedPictures *lw_unsaved_pictures_new (void);
/* Their files go, saved or not. */
void lw_unsaved_pictures_free (LwUnsavedPictures *self);

/* png: what is in the file.  Free with lw_mem_attachment_free().  Errors: G_FILE_ERROR. */
lw_mem_attachment *lw_unsaved_pictures_add (LwUnsavedPictures *self, GBytes *png, const char *label,
                                            GError **error);
/* Saves those of a message that is about to be put, and changes it to say so.  FALSE: not all could be saved; what
 * was is remembered, so it may be called again.  A file that is gone meanwhile stays in the message as it was.
 * Errors: LW_MEM_ERROR, G_FILE_ERROR. */
gboolean lw_unsaved_pictures_save (LwUnsavedPictures *self, lw_mem *mem, lw_mem_message *message,
                                   GError **error);

G_END_DECLS
