/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/digest.h"

#include "app/eval/scene.h"

static void
add_scene (GChecksum *sum, const LwEvalScene *s)
{
  const gint32 numbers[] = { s->width, s->height, s->n_shapes, s->n_texts, s->noise };

  g_checksum_update (sum, (const guchar *) numbers, sizeof numbers);
  g_checksum_update (sum, (const guchar *) &s->noise_seed, sizeof s->noise_seed);
  g_checksum_update (sum, (const guchar *) s->ground, sizeof s->ground);
  if (s->n_shapes > 0)
    g_checksum_update (sum, (const guchar *) s->shapes, (gssize) sizeof *s->shapes * s->n_shapes);
  if (s->n_texts > 0)
    g_checksum_update (sum, (const guchar *) s->texts, (gssize) sizeof *s->texts * s->n_texts);
}

void
lw_eval_scenes_digest (const LwEvalPart *part, guint8 out[32])
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree char *head = g_strdup_printf ("%s of %u at %g|", part->kind == LW_EVAL_PART_FILM ? "film" : "picture",
                                           part->scenes->len, part->fps);
  gsize n = 32;

  g_checksum_update (sum, (const guchar *) head, -1);
  for (guint i = 0; i < part->scenes->len; i++)
    add_scene (sum, part->scenes->pdata[i]);
  g_checksum_get_digest (sum, out, &n);
}

char *
lw_eval_sample_digest (const LwEvalSample *sample)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);

  for (guint i = 0; i < sample->parts->len; i++)
    {
      const LwEvalPart *part = sample->parts->pdata[i];
      guint8 digest[32];

      if (part->kind == LW_EVAL_PART_TEXT)
        {
          g_checksum_update (sum, (const guchar *) part->text, -1);
          continue;
        }
      lw_eval_scenes_digest (part, digest);
      g_checksum_update (sum, digest, sizeof digest);
    }
  return g_strdup (g_checksum_get_string (sum));
}
