/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-problem.h"

#include <glib/gi18n.h>
#include <string.h>

#include "app/count.h"
#include "engine/library/lw-download.h"
#include "engine/lw-error.h"
#include "memory/lw-memory.h"
#include "vision/lw-vision.h"

G_DEFINE_QUARK (lw-app-error-quark, lw_app_error)

/* No default in these: a code without a sentence does not compile. */

static const char *
model_sentence (int code)
{
  switch ((lw_model_error)code)
    {
    case LW_MODEL_ERROR_NOT_FOUND:
      return _("The file of the model is not there.");
    case LW_MODEL_ERROR_NOT_GGUF:
      return _("This file is not a model in GGUF format.");
    case LW_MODEL_ERROR_IO:
      return _("The file of the model cannot be read.");
    case LW_MODEL_ERROR_CORRUPT:
      return _("The file of the model is damaged or not complete. Fetching it again may help.");
    case LW_MODEL_ERROR_UNSUPPORTED:
      return _("Longwave cannot run models of this kind.");
    case LW_MODEL_ERROR_MISSING:
      return _("Something that belongs to the model is missing.");
    }
  return NULL;
}

static const char *
engine_sentence (int code)
{
  switch ((lw_engine_error)code)
    {
    case LW_ENGINE_ERROR_NO_MEMORY:
      return _("There is not enough memory for this. A smaller model or a shorter context needs less.");
    case LW_ENGINE_ERROR_CANCELLED:
      return _("Stopped");
    case LW_ENGINE_ERROR_CONTEXT_FULL:
      return _("This does not fit the model’s context.");
    case LW_ENGINE_ERROR_INVALID:
      return _("The model cannot do this.");
    case LW_ENGINE_ERROR_DEVICE:
      return _("The device that computes has failed.");
    }
  return NULL;
}

static const char *
vision_sentence (int code)
{
  switch ((lw_vis_error)code)
    {
    case LW_VIS_ERROR_IO:
      return _("The picture or film cannot be opened.");
    case LW_VIS_ERROR_FORMAT:
      return _("This is not a picture or film that Longwave can show, or it is damaged.");
    case LW_VIS_ERROR_LIMIT:
      return _("The picture or film is too large, too long or too thin.");
    case LW_VIS_ERROR_NO_VIDEO:
      return _("There is no picture in this film, only sound or nothing at all.");
    case LW_VIS_ERROR_NO_MEMORY:
      return _("There is not enough memory for this picture or film.");
    }
  return NULL;
}

static const char *
store_sentence (int code)
{
  switch ((lw_mem_error)code)
    {
    case LW_MEM_ERROR_IO:
      return _("Something cannot be read from the disk or written to it.");
    case LW_MEM_ERROR_FULL:
      return _("There is no room left on the disk.");
    case LW_MEM_ERROR_READ_ONLY:
      return _("The folder of the chats cannot be written to.");
    case LW_MEM_ERROR_CORRUPT:
      return _("The file with the chats is damaged.");
    case LW_MEM_ERROR_NEWER:
      return _("The chats were saved by a later version of Longwave.");
    case LW_MEM_ERROR_BUSY:
      return _("Another program holds the file with the chats.");
    case LW_MEM_ERROR_MISSING:
      return _("This chat is not there any more.");
    case LW_MEM_ERROR_INVALID:
      return _("This file cannot be imported as a chat.");
    }
  return NULL;
}

static const char *
download_sentence (int code)
{
  switch ((lw_download_error)code)
    {
    case LW_DOWNLOAD_ERROR_URL:
      return _("This is not an address that a model can be fetched from.");
    case LW_DOWNLOAD_ERROR_NETWORK:
      return _("There is no connection to the server, or it broke. What has arrived is kept.");
    case LW_DOWNLOAD_ERROR_SERVER:
      return _("The server does not give out such a file.");
    case LW_DOWNLOAD_ERROR_CHECKSUM:
      return _("The file is not the one that the checksum belongs to. It is not used.");
    case LW_DOWNLOAD_ERROR_EXISTS:
      return _("Another file of this name is in the way.");
    case LW_DOWNLOAD_ERROR_DISK:
      return _("The file cannot be written: the disk may be full or protected. What has arrived is kept.");
    case LW_DOWNLOAD_ERROR_CANCELLED:
      return _("Stopped");
    }
  return NULL;
}

char *
lw_problem_join (const char *sentence, const char *detail)
{
  return detail && *detail ? g_strconcat (sentence, "\n", detail, NULL) : g_strdup (sentence);
}

/* The detail in the language of the user, made of what the error knows; NULL: it knows nothing but its message. */
static char *
detail_of_facts (const lw_error_facts *f)
{
  g_autofree char *n = NULL, *a = NULL, *b = NULL, *c = NULL;

  switch (f->kind)
    {
    case LW_FACTS_NONE:
      break;
    case LW_FACTS_NO_FILE:
      /* Translators: %s is the path of a file */
      return g_strdup_printf (_("There is no file %s."), f->name[0]);
    case LW_FACTS_EMPTY:
      /* Translators: %s is the path of a file */
      return g_strdup_printf (_("The file %s is empty."), f->name[0]);
    case LW_FACTS_NOT_GGUF:
      /* Translators: the path of a file, and four bytes: "3c 68 74 6d" */
      return g_strdup_printf (_("The file %1$s begins with the bytes %2$s, not with “GGUF”."), f->name[0], f->name[1]);
    case LW_FACTS_ARCH:
      /* Translators: the path of a file, the kind of model it holds ("gpt2"), and those that can be run */
      return g_strdup_printf (_("The file %1$s holds a model of the kind “%2$s”. Longwave knows: %3$s."), f->name[0],
                              f->name[1], f->name[2]);
    case LW_FACTS_VISION:
      /* Translators: %s is the path of a file */
      return g_strdup_printf (_("The file %s is the vision part of a model: choose the model that it belongs to."),
                              f->name[0]);
    case LW_FACTS_WEIGHTS:
      a = g_format_size (f->number[0]);
      b = g_format_size (f->number[1]);
      /* Translators: a model's name, and sizes of memory */
      return g_strdup_printf (_("%1$s needs %2$s, and this computer has %3$s."), f->name[0], a, b);
    case LW_FACTS_CONTEXT:
      n = lw_count ((gint64)f->number[0]);
      a = g_format_size (f->number[1]);
      b = g_format_size (f->number[2]);
      c = g_format_size (f->number[3]);
      /* Translators: a number of tokens, and sizes of memory */
      return g_strdup_printf (_("A context of %1$s tokens needs %2$s beside the %3$s of the model, and this computer "
                                "has %4$s."),
                              n, a, b, c);
    case LW_FACTS_ALLOCATION:
      a = g_format_size (f->number[0]);
      /* Translators: %s is a size of memory */
      return g_strdup_printf (_("%s were asked for."), a);
    }
  return NULL;
}

char *
lw_problem_describe (const GError *error)
{
  const lw_error_facts *facts;
  g_autofree char *detail = NULL;
  const char *sentence = NULL;

  g_return_val_if_fail (error, NULL);

  if (error->domain == LW_MODEL_ERROR)
    sentence = model_sentence (error->code);
  else if (error->domain == LW_ENGINE_ERROR)
    sentence = engine_sentence (error->code);
  else if (error->domain == LW_VIS_ERROR)
    sentence = vision_sentence (error->code);
  else if (error->domain == LW_MEM_ERROR)
    sentence = store_sentence (error->code);
  else if (error->domain == LW_DOWNLOAD_ERROR)
    sentence = download_sentence (error->code);
  /* The window's own; GLib and the C library translate theirs. */
  if (!sentence)
    return g_strdup (error->message);
  facts = lw_error_get_facts (error);
  detail = facts ? detail_of_facts (facts) : NULL;
  return lw_problem_join (sentence, detail ? detail : error->message);
}

char *
lw_problem_of_vision (const lw_model_info *info)
{
  g_autofree char *sentence = NULL;

  switch (info->vision_lack)
    {
    case LW_VISION_LACK_TEXT_MODEL:
      /* Translators: %s is a model's name */
      return g_strdup_printf (_("%s cannot see pictures: it is made for text only."), info->name);
    case LW_VISION_LACK_NO_FILE:
      /* Translators: %s is a model's name; mmproj is the beginning of a file's name */
      sentence = g_strdup_printf (_("%s cannot see pictures: its vision file (mmproj…) is not beside it."),
                                  info->name);
      return lw_problem_join (sentence, info->vision_missing);
    case LW_VISION_LACK_BAD_FILE:
      /* Translators: %s is a model's name */
      sentence = g_strdup_printf (_("%s cannot see pictures: its vision file cannot be used."), info->name);
      return lw_problem_join (sentence, info->vision_missing);
    case LW_VISION_LACK_NOTHING:
    }
  return NULL;
}

char *
lw_problem_of_chat (const lw_model_info *info)
{
  g_autofree char *sentence = NULL;

  if (!info->chat_warning)
    return NULL;
  /* Translators: %s is a model's name */
  sentence = g_strdup_printf (_("How %s wants a chat to be written had to be guessed. Its answers may be "
                                "worse than they could be."),
                              info->name);
  return lw_problem_join (sentence, info->chat_warning);
}

char *
lw_problem_of_room (gsize n_tokens, const lw_fit_choices *fit)
{
  g_autofree char *need = lw_count ((gint64)n_tokens), *room = lw_count (fit->n_ctx);
  g_autofree char *most = lw_count (MAX (fit->n_ctx_largest, fit->n_ctx_largest_q8));
  g_autofree char *trained = lw_count (fit->n_ctx_train), *beyond = NULL, *help = NULL, *detail = NULL;
  g_autofree char *sentence
      /* Translators: numbers of tokens */
      = g_strdup_printf (_("The chat and the question are %1$s tokens long, the context holds %2$s."), need, room);

  if (fit->larger_helps)
    help = g_strdup (_("A larger context would hold it."));
  else if (fit->q8_helps)
    help = g_strdup (_("The memory has room for one that would hold it, in 8 bits."));
  else
    /* Translators: a number of tokens */
    help = g_strdup_printf (_("The memory has room for a context of %s at most: something has to be left out."), most);
  if (fit->beyond_training && (fit->larger_helps || fit->q8_helps))
    /* Translators: a number of tokens */
    beyond = g_strdup_printf (_("The model was made for %s and may lose the thread beyond."), trained);
  detail = beyond ? g_strdup_printf ("%s %s", help, beyond) : g_steal_pointer (&help);
  return lw_problem_join (sentence, detail);
}

char *
lw_problem_dup_sentence (const char *problem)
{
  return g_strndup (problem, strcspn (problem, "\n"));
}

const char *
lw_problem_get_detail (const char *problem)
{
  const char *line = strchr (problem, '\n');

  return line && line[1] ? line + 1 : NULL;
}
