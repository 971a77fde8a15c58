/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A chat family: one C file per way of writing a conversation, in the array of families.c.
 */
#pragma once

#include "engine/chat/chat.h"

G_BEGIN_DECLS

/* A longer template is no template, in bytes. */
#define LW_CHAT_MAX_TEMPLATE (1024 * 1024)

/* A turn with its media places, documents and text put together. */
typedef struct {
    lw_role role;
    lw_text content; /* nothing of it is trusted but the few words around documents */
} lw_chat_message;

typedef struct {
    const char *name; /* "chatml-qwen2.5" */
    /* A template's text has what is characteristic of this family. */
    gboolean (*matches)(const char *text, gsize n);
    /* Scaffold goes in with lw_text_buf_add_scaffold(), content with lw_text_buf_append().  Every
     * message is rendered: where the models' own templates would leave one out or refuse it, the
     * family finds the nearest thing they know (a tool's result becomes a user's turn, say). */
    void (*render)(const lw_chat_message *messages, gsize n, const lw_chat_params *params,
                   lw_text_buf *out);
} lw_chat_family;

/* Special cases before general ones; the last one is plain ChatML. */
extern const lw_chat_family *const lw_chat_families[];

const lw_chat_family *lw_chat_family_find(const char *name);

/* known.c: the family of a template's text by its hash, or NULL. */
const lw_chat_family *lw_chat_family_known(const char *text, gsize n);

/* ---- For families ---- */

/* memmem() for a literal. */
gboolean lw_chat_has(const char *text, gsize n, const char *part);

/* Words before a tool's result where a family has no turn for it. */
#define LW_CHAT_TOOL_RESULT "Tool result:\n"

/* A date as Python's strftime() in the C locale writes it in local time, whatever ours is. */
char *lw_chat_format_date(gint64 date, const char *format, gsize n);

/* t as a JSON string, quotes included, as Python's json.dumps(ensure_ascii=False) writes it.  What
 * is added is not trusted. */
void lw_chat_add_json(lw_text_buf *out, lw_text t);

extern const lw_chat_family lw_chat_chatml_qwen3, lw_chat_chatml_qwen25, lw_chat_chatml_qwen_vl,
    lw_chat_chatml;
extern const lw_chat_family lw_chat_llama3, lw_chat_llama31, lw_chat_llama32;
extern const lw_chat_family lw_chat_phi3, lw_chat_glm4, lw_chat_gemma;

G_END_DECLS
