/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A model on its way from the web: a plan (models/fetch.h), the thread that carries it out, and what to
 * tell people about it.  Pausing keeps every byte; going on after that, after an error or in a later run
 * is the same.
 *
 * Signal "changed": state, fraction or status are new, at most ten times a second.  Thread: UI.
 */
#pragma once

#include <gio/gio.h>

#include "app/models/fetch.h"

G_BEGIN_DECLS

typedef enum
{
  LW_TRANSFER_PAUSED, /* also: never begun in this run */
  LW_TRANSFER_RUNNING,
  LW_TRANSFER_PAUSING, /* the thread ends what it is doing */
  LW_TRANSFER_FAILED,
  LW_TRANSFER_DONE,
} LwTransferState;

#define LW_TYPE_TRANSFER (lw_transfer_get_type ())
G_DECLARE_FINAL_TYPE (LwTransfer, lw_transfer, LW, TRANSFER, GObject)

/* plan: taken over. */
LwTransfer *lw_transfer_new (lw_fetch *plan);

void lw_transfer_start (LwTransfer *self);
void lw_transfer_pause (LwTransfer *self);
/* Pause and wait for the thread; for the end of the program. */
void lw_transfer_shutdown (LwTransfer *self);
/* Throw away what has come.  Only when it is not running. */
gboolean lw_transfer_discard (LwTransfer *self, GError **error);

LwTransferState lw_transfer_get_state (LwTransfer *self);
const char *lw_transfer_get_title (LwTransfer *self);
const char *lw_transfer_get_folder (LwTransfer *self);
/* 0..1, < 0: not known. */
double lw_transfer_get_fraction (LwTransfer *self);
/* For people: how far it is, or what went wrong. */
const char *lw_transfer_get_status (LwTransfer *self);
/* When DONE: the model's path, and "given", "announced by the server" or NULL (nothing to compare the
 * SHA-256 with). */
const char *lw_transfer_get_path (LwTransfer *self);
const char *lw_transfer_get_verified (LwTransfer *self);

G_END_DECLS
