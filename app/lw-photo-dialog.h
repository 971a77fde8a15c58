/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Take a photo: what the camera sees, a button that keeps one picture of it, and the choice to attach that
 * picture or to take another.  The camera is in use exactly while its picture moves here, and that is said;
 * nothing is kept but the picture that is attached.
 *
 * Signal: "taken" (GdkTexture *photo), once; the dialog closes after it.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define LW_TYPE_PHOTO_DIALOG (lw_photo_dialog_get_type ())
G_DECLARE_FINAL_TYPE (LwPhotoDialog, lw_photo_dialog, LW, PHOTO_DIALOG, AdwWindow)

/* Modal; shown by the caller. */
LwPhotoDialog *lw_photo_dialog_new (GtkWindow *parent);

G_END_DECLS
