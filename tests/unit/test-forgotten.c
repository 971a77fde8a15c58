/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A chat that was deleted for good writes nothing any more, whatever comes late: the end of an answer, a title.
 */
#include "app/lw-conversation-private.h"

#include "app/lw-engine-service.h"
#include "app/lw-store-service.h"
#include "tests/unit/remove-tree.h"

typedef struct
{
  LwStoreService *store;
  LwEngineService *engine;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->store = lw_store_service_new ();
  f->engine = lw_engine_service_new ();
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  lw_engine_service_shutdown (f->engine);
  lw_store_service_shutdown (f->store);
  g_object_unref (f->engine);
  g_object_unref (f->store);
}

/* ---- What the store holds, behind all that was queued before ---- */

typedef struct
{
  GPtrArray *(*finish) (LwStoreService *store, GAsyncResult *result, GError **error);
  GPtrArray *found;
} Reading;

static void
have_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Reading *r = user_data;
  g_autoptr (GError) error = NULL;

  r->found = r->finish (LW_STORE_SERVICE (source), result, &error);
  g_assert_no_error (error);
}

static guint
wait_for (Reading *r)
{
  guint n;

  while (!r->found)
    g_main_context_iteration (NULL, TRUE);
  n = r->found->len;
  g_clear_pointer (&r->found, g_ptr_array_unref);
  return n;
}

static guint
n_chats (Fixture *f)
{
  Reading r = { .finish = lw_store_service_list_finish };

  lw_store_service_list_async (f->store, have_read, &r);
  return wait_for (&r);
}

static guint
n_messages (Fixture *f, LwConversation *c)
{
  Reading r = { .finish = lw_store_service_messages_finish };

  lw_store_service_messages_async (f->store, lw_conversation_get_id (c), have_read, &r);
  return wait_for (&r);
}

static LwMessage *
say (LwConversation *c, lw_mem_role role, const char *text)
{
  g_autoptr (LwMessage) m = lw_message_new (role, text);

  lw_conversation_append (c, m, 1, 1);
  lw_conversation_put_message (c, m);
  return m; /* the conversation has it */
}

static LwConversation *
ask (Fixture *f)
{
  LwConversation *c = lw_conversation_new (f->store, f->engine);

  lw_conversation_put (c);
  say (c, LW_MEM_ROLE_USER, "What is kept?");
  return c;
}

/* ---- Tests ---- */

static void
test_deleted (Fixture *f, gconstpointer data)
{
  g_autoptr (LwConversation) c = ask (f);

  g_assert_cmpuint (n_chats (f), ==, 1);
  g_assert_cmpuint (n_messages (f, c), ==, 1);
  lw_conversation_forget (c);
  lw_store_service_delete_all (f->store);
  g_assert_cmpuint (n_chats (f), ==, 0);

  lw_conversation_rename (c, "What came late");
  lw_conversation_set_pinned (c, TRUE);
  lw_conversation_set_folder (c, "Late");
  lw_conversation_set_model (c, "/late.gguf");
  say (c, LW_MEM_ROLE_ASSISTANT, "An answer's end");
  g_assert_cmpuint (n_chats (f), ==, 0);
  g_assert_cmpuint (n_messages (f, c), ==, 0);
}

/* Messages do not depend on there being no chat for them. */
static void
test_message (Fixture *f, gconstpointer data)
{
  g_autoptr (LwConversation) c = ask (f);

  say (c, LW_MEM_ROLE_ASSISTANT, "This is.");
  g_assert_cmpuint (n_messages (f, c), ==, 2);
  lw_conversation_forget (c);
  say (c, LW_MEM_ROLE_USER, "And this?");
  g_assert_cmpuint (n_messages (f, c), ==, 2);
}

int
main (int argc, char *argv[])
{
  g_autofree char *folder = g_dir_make_tmp ("lw-forgotten-XXXXXX", NULL);
  g_autofree char *data = g_build_filename (folder, "data", NULL);
  g_autofree char *cache = g_build_filename (folder, "cache", NULL);
  int status;

  /* Before there are threads. */
  g_setenv ("XDG_DATA_HOME", data, TRUE);
  g_setenv ("XDG_CACHE_HOME", cache, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/forgotten/deleted", Fixture, NULL, set_up, test_deleted, tear_down);
  g_test_add ("/forgotten/message", Fixture, NULL, set_up, test_message, tear_down);
  status = g_test_run ();
  remove_tree (folder);
  return status;
}
