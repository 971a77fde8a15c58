/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/layout.h"

#include "app/eval/media.h"
#include "app/eval/scene.h"

struct _LwEvalLayout {
  lw_model *model;
  const LwEvalSample *sample;
  GString *context;
  GPtrArray *media; /* of lw_media, in order */
  GArray *media_at; /* of gsize: byte of the context that each stands before */
  gboolean ends_with_text;
};

static const LwEvalTurn *
turn_at (const LwEvalLayout *layout, guint turn)
{
  return layout->sample->turns->pdata[turn];
}

/* A task that asks for small things means the pixels that it has. */
static gboolean
check_size (const LwEvalSample *sample, const LwEvalPart *part, const lw_vision_spec *spec, GError **error)
{
  const LwEvalScene *s = part->scenes->pdata[0];

  if ((gint64) s->width * s->height <= spec->max_pixels)
    return TRUE;
  g_set_error (error, LW_EVAL_ERROR, LW_EVAL_ERROR_ROOM,
               "%s: %s of %d x %d pixels; the model looks at no more than %" G_GINT64_FORMAT, sample->task,
               part->kind == LW_EVAL_PART_FILM ? "frames" : "a picture", s->width, s->height, spec->max_pixels);
  return FALSE;
}

LwEvalLayout *
lw_eval_layout_new (lw_model *model, const LwEvalSample *sample, GError **error)
{
  g_autoptr (LwEvalLayout) layout = g_new0 (LwEvalLayout, 1);
  const lw_vision_spec *spec = lw_model_get_vision_spec (model);

  layout->model = model;
  layout->sample = sample;
  layout->context = g_string_new (NULL);
  layout->media = g_ptr_array_new_with_free_func ((GDestroyNotify) lw_media_unref);
  layout->media_at = g_array_new (FALSE, FALSE, sizeof (gsize));
  for (guint i = 0; i < sample->parts->len; i++)
    {
      const LwEvalPart *part = sample->parts->pdata[i];

      layout->ends_with_text = part->kind == LW_EVAL_PART_TEXT;
      if (part->kind == LW_EVAL_PART_TEXT)
        {
          g_string_append (layout->context, part->text);
          continue;
        }
      if (spec == NULL)
        {
          g_set_error (error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID, "%s is about what is seen, and %s",
                       sample->task, lw_model_get_info (model)->vision_missing);
          return NULL;
        }
      if (!check_size (sample, part, spec, error))
        return NULL;
      lw_media *one = lw_eval_media_open (part, spec, error);
      if (one == NULL)
        return NULL;
      g_ptr_array_add (layout->media, one);
      g_array_append_val (layout->media_at, layout->context->len);
    }
  return g_steal_pointer (&layout);
}

void
lw_eval_layout_free (LwEvalLayout *layout)
{
  if (layout == NULL)
    return;
  g_string_free (layout->context, TRUE);
  g_ptr_array_unref (layout->media);
  g_array_unref (layout->media_at);
  g_free (layout);
}

/* The first message: the context and a question, or NULL. */
static char *
first_text (const LwEvalLayout *layout, const char *question)
{
  return g_strconcat (layout->context->str, question != NULL && layout->ends_with_text ? "\n\n" : "", question,
                      NULL);
}

static lw_message
first_message (const LwEvalLayout *layout, const char *text)
{
  return (lw_message){
    .role = LW_ROLE_USER,
    .text = text,
    .media = (lw_media *const *) layout->media->pdata,
    .n_media = layout->media->len,
    .media_at = (const gsize *) (void *) layout->media_at->data,
  };
}

lw_prompt *
lw_eval_layout_turn (const LwEvalLayout *layout, const char *const *replies, guint turn, GError **error)
{
  g_autofree lw_message *messages = g_new0 (lw_message, 2 * turn + 1);
  g_autofree char *text = first_text (layout, turn_at (layout, 0)->question);

  messages[0] = first_message (layout, text);
  for (guint i = 0; i < turn; i++)
    {
      messages[2 * i + 1] = (lw_message){ .role = LW_ROLE_ASSISTANT, .text = replies[i] };
      messages[2 * i + 2] = (lw_message){ .role = LW_ROLE_USER, .text = turn_at (layout, i + 1)->question };
    }
  return lw_prompt_new_chat (layout->model, messages, 2 * turn + 1, NULL, error);
}

lw_prompt *
lw_eval_layout_request (const LwEvalLayout *layout, guint turn, GError **error)
{
  g_autofree char *text = first_text (layout, turn_at (layout, turn)->question);
  lw_message message = first_message (layout, text);

  return lw_prompt_new_chat (layout->model, &message, 1, NULL, error);
}

lw_prompt *
lw_eval_layout_context (const LwEvalLayout *layout, GError **error)
{
  g_autofree char *text = first_text (layout, NULL);
  lw_message message = first_message (layout, text);
  lw_prompt *alone = lw_prompt_new_chat (layout->model, &message, 1, NULL, error), *prefix = NULL;
  gsize n = alone ? lw_prompt_n_tokens (alone) : 0;

  /* A token may reach over the end of the context, and then depends on what follows. */
  for (guint i = 0; n > 0 && i < layout->sample->turns->len; i++)
    {
      lw_prompt *asked = lw_eval_layout_request (layout, i, error);
      if (asked == NULL)
        {
          lw_prompt_free (alone);
          return NULL;
        }
      n = MIN (n, lw_prompt_common (alone, asked));
      lw_prompt_free (asked);
    }
  if (alone != NULL && n == 0)
    g_set_error (error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                 "%s: the questions have no token in common, so there is no context to share", layout->sample->task);
  else if (alone != NULL)
    prefix = lw_prompt_new_prefix (alone, n);
  lw_prompt_free (alone);
  return prefix;
}

gint64
lw_eval_layout_count (const LwEvalLayout *layout, const char *text, GError **error)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (gint32));

  if (!lw_tokenizer_encode_text (lw_model_get_tokenizer (layout->model), text, -1, FALSE, ids, error))
    return -1;
  return ids->len;
}

gint64
lw_eval_layout_room (const LwEvalLayout *layout, GError **error)
{
  guint n = layout->sample->turns->len;
  g_autofree const char **replies = g_new0 (const char *, n);
  gint64 room = turn_at (layout, n - 1)->cap;

  for (guint i = 0; i + 1 < n; i++)
    {
      replies[i] = turn_at (layout, i)->reply;
      gint64 reply = lw_eval_layout_count (layout, replies[i], error);
      if (reply < 0)
        return -1;
      room += MAX (turn_at (layout, i)->cap - reply, 0);
    }
  lw_prompt *all = lw_eval_layout_turn (layout, replies, n - 1, error);
  if (all == NULL)
    return -1;
  room += (gint64) lw_prompt_n_tokens (all);
  lw_prompt_free (all);
  return room;
}
