/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-search-provider.h"

#include <string.h>

#include "app/lw-store-service.h"

#define PATH "/io/github/longwave/Longwave/SearchProvider"
/* Messages looked at, and chats handed over, per search; the shell shows five. */
#define MAX_HITS 200
#define MAX_CHATS 20
/* A program that was started for a search stays for the questions that follow, seconds. */
#define STAY_SECONDS 15
/* Bytes of a search; more is nobody's typing. */
#define MAX_TERMS 1024

static const char xml[]
    = "<node><interface name='org.gnome.Shell.SearchProvider2'>"
      "<method name='GetInitialResultSet'><arg type='as' direction='in'/>"
      "<arg type='as' direction='out'/></method>"
      "<method name='GetSubsearchResultSet'><arg type='as' direction='in'/><arg type='as' direction='in'/>"
      "<arg type='as' direction='out'/></method>"
      "<method name='GetResultMetas'><arg type='as' direction='in'/>"
      "<arg type='aa{sv}' direction='out'/></method>"
      "<method name='ActivateResult'><arg type='s' direction='in'/><arg type='as' direction='in'/>"
      "<arg type='u' direction='in'/></method>"
      "<method name='LaunchSearch'><arg type='as' direction='in'/>"
      "<arg type='u' direction='in'/></method>"
      "</interface></node>";

typedef struct
{
  char *title, *snippet;
} Meta;

struct _LwSearchProvider
{
  GObject parent_instance;
  LwStoreService *store;
  GDBusConnection *bus;
  guint registration;
  guint stay_source;
  GHashTable *metas; /* chat -> Meta, of the last searches */
};

enum
{
  SIGNAL_ACTIVATED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LwSearchProvider, lw_search_provider, G_TYPE_OBJECT)

static void
meta_free (gpointer data)
{
  Meta *m = data;

  g_free (m->title);
  g_free (m->snippet);
  g_free (m);
}

/* ---- Staying ---- */

static gboolean
stayed (gpointer data)
{
  LwSearchProvider *self = data;

  self->stay_source = 0;
  g_application_release (g_application_get_default ());
  return G_SOURCE_REMOVE;
}

/* The shell asks for results, then for what they are called: both of one process, which must not end before
 * its answers have left it either. */
static void
stay (LwSearchProvider *self)
{
  if (self->stay_source)
    g_source_remove (self->stay_source);
  else
    g_application_hold (g_application_get_default ());
  self->stay_source = g_timeout_add_seconds (STAY_SECONDS, stayed, self);
}

/* ---- Searching ---- */

typedef struct
{
  LwSearchProvider *self;
  GDBusMethodInvocation *invocation;
  GHashTable *among; /* NULL: all chats */
} Search;

static void
found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Search *s = user_data;
  /* A database that cannot be read has no results; the window tells about it. */
  g_autoptr (GPtrArray) hits
      = lw_store_service_search_finish (LW_STORE_SERVICE (source), result, NULL);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  GVariantBuilder ids;

  g_variant_builder_init (&ids, G_VARIANT_TYPE ("as"));
  for (guint i = 0; hits && i < hits->len && g_hash_table_size (seen) < MAX_CHATS; i++)
    {
      const lw_mem_hit *h = hits->pdata[i];
      Meta *m;

      if (g_hash_table_contains (seen, h->conversation)
          || (s->among && !g_hash_table_contains (s->among, h->conversation)))
        continue;
      g_hash_table_add (seen, h->conversation);
      g_variant_builder_add (&ids, "s", h->conversation);
      m = g_new0 (Meta, 1);
      m->title = g_strdup (h->title);
      m->snippet = g_strdup (h->snippet);
      g_hash_table_replace (s->self->metas, g_strdup (h->conversation), m);
    }
  g_dbus_method_invocation_return_value (s->invocation, g_variant_new ("(as)", &ids));
  g_clear_pointer (&s->among, g_hash_table_unref);
  g_object_unref (s->self);
  g_free (s);
}

static void
search (LwSearchProvider *self, GDBusMethodInvocation *invocation, const char *const *terms,
        const char *const *among)
{
  g_autofree char *query = g_strjoinv (" ", (char **)terms);
  Search *s;

  g_strstrip (query);
  if (!self->store || !*query || strlen (query) > MAX_TERMS)
    {
      g_dbus_method_invocation_return_value (invocation, g_variant_new ("(as)", NULL));
      return;
    }
  s = g_new0 (Search, 1);
  s->self = g_object_ref (self);
  s->invocation = invocation;
  if (among)
    {
      s->among = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      for (guint i = 0; among[i]; i++)
        g_hash_table_add (s->among, g_strdup (among[i]));
    }
  lw_store_service_search_async (self->store, query, MAX_HITS, found, s);
}

static GVariant *
describe (LwSearchProvider *self, const char *const *ids)
{
  GVariantBuilder metas;

  g_variant_builder_init (&metas, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; ids[i]; i++)
    {
      const Meta *m = g_hash_table_lookup (self->metas, ids[i]);

      if (!m)
        continue;
      g_variant_builder_open (&metas, G_VARIANT_TYPE ("a{sv}"));
      g_variant_builder_add (&metas, "{sv}", "id", g_variant_new_string (ids[i]));
      g_variant_builder_add (&metas, "{sv}", "name", g_variant_new_string (m->title ? m->title : ""));
      g_variant_builder_add (&metas, "{sv}", "description",
                             g_variant_new_string (m->snippet ? m->snippet : ""));
      g_variant_builder_add (&metas, "{sv}", "gicon", g_variant_new_string (LW_APP_ID));
      g_variant_builder_close (&metas);
    }
  return g_variant_new ("(aa{sv})", &metas);
}

static void
method_called (GDBusConnection *bus, const char *sender, const char *path, const char *interface,
               const char *method, GVariant *parameters, GDBusMethodInvocation *invocation,
               gpointer user_data)
{
  LwSearchProvider *self = user_data;
  g_autofree const char **first = NULL, **second = NULL;
  const char *id = NULL;

  stay (self);
  if (g_str_equal (method, "GetInitialResultSet"))
    {
      g_variant_get (parameters, "(^a&s)", &first);
      search (self, invocation, first, NULL);
    }
  else if (g_str_equal (method, "GetSubsearchResultSet"))
    {
      g_variant_get (parameters, "(^a&s^a&s)", &first, &second);
      search (self, invocation, second, first);
    }
  else if (g_str_equal (method, "GetResultMetas"))
    {
      g_variant_get (parameters, "(^a&s)", &first);
      g_dbus_method_invocation_return_value (invocation, describe (self, first));
    }
  else
    {
      g_autofree char *terms = NULL;

      if (g_str_equal (method, "ActivateResult"))
        g_variant_get (parameters, "(&s^a&su)", &id, &first, NULL);
      else
        g_variant_get (parameters, "(^a&su)", &first, NULL);
      terms = g_strjoinv (" ", (char **)first);
      g_signal_emit (self, signals[SIGNAL_ACTIVATED], 0, id, terms);
      g_dbus_method_invocation_return_value (invocation, NULL);
    }
}

/* ---- Object ---- */

gboolean
lw_search_provider_export (LwSearchProvider *self, GDBusConnection *bus, GError **error)
{
  static const GDBusInterfaceVTable vtable = { .method_call = method_called };
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (xml, NULL);

  self->registration = g_dbus_connection_register_object (bus, PATH, node->interfaces[0], &vtable,
                                                          self, NULL, error);
  g_set_object (&self->bus, bus);
  return self->registration != 0;
}

void
lw_search_provider_unexport (LwSearchProvider *self)
{
  g_clear_handle_id (&self->stay_source, g_source_remove);
  if (self->registration)
    g_dbus_connection_unregister_object (self->bus, self->registration);
  self->registration = 0;
  g_clear_object (&self->bus);
}

void
lw_search_provider_set_store (LwSearchProvider *self, LwStoreService *store)
{
  g_set_object (&self->store, store);
}

static void
lw_search_provider_finalize (GObject *object)
{
  LwSearchProvider *self = LW_SEARCH_PROVIDER (object);

  g_clear_object (&self->store);
  g_clear_object (&self->bus);
  g_hash_table_unref (self->metas);
  G_OBJECT_CLASS (lw_search_provider_parent_class)->finalize (object);
}

static void
lw_search_provider_class_init (LwSearchProviderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lw_search_provider_finalize;
  signals[SIGNAL_ACTIVATED]
      = g_signal_new ("activated", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                      NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_STRING);
}

static void
lw_search_provider_init (LwSearchProvider *self)
{
  self->metas = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, meta_free);
}

LwSearchProvider *
lw_search_provider_new (void)
{
  return g_object_new (LW_TYPE_SEARCH_PROVIDER, NULL);
}
