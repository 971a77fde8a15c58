/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/media.h"

#include "app/eval/digest.h"
#include "app/eval/paint.h"
#include "vision/lw-vision.h"

static gboolean
paint (void *user, int frame, guint8 *rgb, GError **error)
{
  GPtrArray *scenes = user;

  lw_eval_paint (scenes->pdata[frame], rgb);
  return TRUE;
}

static void
drop (void *user)
{
  g_ptr_array_unref (user);
}

lw_media *
lw_eval_media_open (const LwEvalPart *part, const lw_vision_spec *spec, GError **error)
{
  const LwEvalScene *first = part->scenes->pdata[0];
  gboolean film = part->kind == LW_EVAL_PART_FILM;
  lw_vis_frames frames = {
    .kind = film ? LW_MEDIA_FILM : LW_MEDIA_PICTURE,
    .n_frames = (int) part->scenes->len,
    .width = first->width,
    .height = first->height,
    .fps = part->fps,
    .paint = paint,
    .free = drop,
    .user = g_ptr_array_ref (part->scenes),
  };

  lw_eval_scenes_digest (part, frames.hash);
  return lw_vis_open_frames (&frames, film ? "film" : "picture", spec, NULL, error);
}
