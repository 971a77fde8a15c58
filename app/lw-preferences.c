/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-preferences.h"

#include <glib/gi18n.h>

#include "app/lw-graphics-finder.h"
#include "app/lw-names.h"
#include "app/lw-quick-layout.h"
#include "app/lw-settings.h"
#include "app/models/device.h"
#include "engine/base/cpu.h"
#include "engine/lw-engine.h"
#include "memory/lw-memory.h"

struct _LwPreferences
{
  AdwPreferencesWindow parent_instance;
  LwSettings *settings;
  gboolean filling;

  AdwComboRow *color_scheme, *kv_type;
  GtkSwitch *enter_sends, *notify_finished, *stop_repeating, *use_gpu, *keep_snapshots;
  AdwPreferencesGroup *device, *context, *snapshots;
  AdwActionRow *cpu, *gpu, *used, *chats_folder, *cache_folder;
  GtkWidget *clear, *open_folder, *delete_all;
  int gigabytes_before; /* the limit that what is on the disk is within */
  GtkSpinButton *threads, *context_tokens, *snapshot_gigabytes;
};

enum
{
  SIGNAL_DELETE_ALL,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LwPreferences, lw_preferences, ADW_TYPE_PREFERENCES_WINDOW)

/* ---- Keys and widgets ---- */

/* The key that a widget is for. */
static const char *
key_of (gpointer widget)
{
  return g_object_get_data (widget, "key");
}

static void
switch_changed (LwPreferences *self, GParamSpec *pspec, GtkSwitch *widget)
{
  if (!self->filling)
    lw_settings_set_boolean (self->settings, key_of (widget), gtk_switch_get_active (widget));
}

static void
spin_changed (LwPreferences *self, GtkSpinButton *widget)
{
  if (!self->filling)
    lw_settings_set_int (self->settings, key_of (widget), gtk_spin_button_get_value_as_int (widget));
}

static void
combo_changed (LwPreferences *self, GParamSpec *pspec, AdwComboRow *widget)
{
  if (!self->filling)
    lw_settings_set_int (self->settings, key_of (widget), (int)adw_combo_row_get_selected (widget));
}

static void
bind_switch (LwPreferences *self, GtkSwitch *widget, const char *key)
{
  g_object_set_data (G_OBJECT (widget), "key", (gpointer)key);
  gtk_switch_set_active (widget, lw_settings_get_boolean (self->settings, key));
  g_signal_connect_object (widget, "notify::active", G_CALLBACK (switch_changed), self,
                           G_CONNECT_SWAPPED);
}

static void
bind_combo (LwPreferences *self, AdwComboRow *widget, const char *key)
{
  g_object_set_data (G_OBJECT (widget), "key", (gpointer)key);
  adw_combo_row_set_selected (widget, (guint)lw_settings_get_int (self->settings, key));
  g_signal_connect_object (widget, "notify::selected", G_CALLBACK (combo_changed), self,
                           G_CONNECT_SWAPPED);
}

static GtkSpinButton *
add_spin (LwPreferences *self, AdwPreferencesGroup *group, const char *key, const char *title,
          const char *subtitle, double max, double step)
{
  GtkWidget *row = adw_action_row_new (), *spin = gtk_spin_button_new_with_range (0, max, step);

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  gtk_editable_set_width_chars (GTK_EDITABLE (spin), 7);
  gtk_widget_set_valign (spin, GTK_ALIGN_CENTER);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), spin);
  /* Which also names it for a screen reader. */
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), spin);
  adw_preferences_group_add (group, row);
  g_object_set_data (G_OBJECT (spin), "key", (gpointer)key);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (spin), lw_settings_get_int (self->settings, key));
  g_signal_connect_object (spin, "value-changed", G_CALLBACK (spin_changed), self, G_CONNECT_SWAPPED);
  return GTK_SPIN_BUTTON (spin);
}

/* ---- The snapshots on the disk ---- */

static void
measure (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  if (data) /* first throw them away */
    lw_session_clear_snapshots (NULL);
  g_task_return_int (task, (gssize)lw_session_measure_snapshots (NULL));
}

static void
measured (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GWeakRef *weak = user_data;
  g_autoptr (LwPreferences) self = g_weak_ref_get (weak);
  gint64 bytes = g_task_propagate_int (G_TASK (result), NULL);
  g_autofree char *text = g_format_size ((guint64)MAX (bytes, 0));

  g_weak_ref_clear (weak);
  g_free (weak);
  if (!self || !self->settings)
    return;
  adw_action_row_set_subtitle (self->used, text);
  gtk_widget_set_sensitive (self->clear, bytes > 0);
}

static void
measure_snapshots (LwPreferences *self, gboolean clear)
{
  g_autoptr (GTask) task = NULL;
  GWeakRef *weak = g_new0 (GWeakRef, 1);

  g_weak_ref_init (weak, self);
  task = g_task_new (NULL, NULL, measured, weak);
  g_task_set_source_tag (task, measure_snapshots);
  g_task_set_task_data (task, GINT_TO_POINTER (clear), NULL);
  g_task_run_in_thread (task, measure);
}

static void
clear_clicked (LwPreferences *self)
{
  measure_snapshots (self, TRUE);
}

static int
asked_gigabytes (LwPreferences *self)
{
  return lw_settings_get_int (self->settings, "snapshot-gigabytes");
}

static void
trim (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  lw_session_trim_snapshots (NULL, (guint64)GPOINTER_TO_INT (data) * 1000 * 1000 * 1000);
}

/* What another limit no longer allows goes once the window is closed: not at 1 on the way to 12. */
static gboolean
close_request (GtkWindow *window)
{
  LwPreferences *self = LW_PREFERENCES (window);

  if (self->settings && asked_gigabytes (self) != self->gigabytes_before)
    {
      g_autoptr (GTask) task = g_task_new (NULL, NULL, NULL, NULL);

      self->gigabytes_before = asked_gigabytes (self);
      g_task_set_task_data (task, GINT_TO_POINTER (self->gigabytes_before), NULL);
      g_task_run_in_thread (task, trim);
    }
  return GTK_WINDOW_CLASS (lw_preferences_parent_class)->close_request (window);
}

/* ---- The graphics card ---- */

/* A switch that does nothing would be a lie: there is one for a card that can be used. */
static void
graphics_found (gpointer owner, const lw_graphics *graphics)
{
  LwPreferences *self = owner;

  if (!self->settings)
    return;
  adw_action_row_set_subtitle (self->gpu, graphics->text);
  if (graphics->backend)
    bind_switch (self, self->use_gpu, "use-gpu");
  gtk_widget_set_sensitive (GTK_WIDGET (self->use_gpu), graphics->backend != NULL);
}

/* ---- Privacy ---- */

static void
open_folder_clicked (LwPreferences *self)
{
  g_autofree char *folder = lw_mem_default_folder ();
  g_autofree char *uri = g_filename_to_uri (folder, NULL, NULL);

  if (uri)
    gtk_show_uri (GTK_WINDOW (self), uri, GDK_CURRENT_TIME);
}

static void
delete_response (AdwMessageDialog *dialog, const char *response, LwPreferences *self)
{
  if (!g_str_equal (response, "delete"))
    return;
  g_signal_emit (self, signals[SIGNAL_DELETE_ALL], 0);
  adw_preferences_window_add_toast (ADW_PREFERENCES_WINDOW (self),
                                    adw_toast_new (_("All chats are deleted")));
}

static void
delete_all_clicked (LwPreferences *self)
{
  GtkWidget *dialog = adw_message_dialog_new (
      GTK_WINDOW (self), _("Delete All Chats?"),
      _("Every chat, the pictures copied into them, your presets and what was kept to pick up from "
        "are deleted for good. Models stay."));
  AdwMessageDialog *message = ADW_MESSAGE_DIALOG (dialog);

  adw_message_dialog_add_responses (message, "cancel", _("_Cancel"), "delete", _("_Delete All"),
                                    NULL);
  adw_message_dialog_set_response_appearance (message, "delete", ADW_RESPONSE_DESTRUCTIVE);
  adw_message_dialog_set_close_response (message, "cancel");
  g_signal_connect_object (dialog, "response", G_CALLBACK (delete_response), self, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}

/* ---- Object ---- */

static void
lw_preferences_dispose (GObject *object)
{
  g_clear_object (&LW_PREFERENCES (object)->settings);
  G_OBJECT_CLASS (lw_preferences_parent_class)->dispose (object);
}

static void
lw_preferences_class_init (LwPreferencesClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lw_preferences_dispose;
  GTK_WINDOW_CLASS (klass)->close_request = close_request;
  signals[SIGNAL_DELETE_ALL]
      = g_signal_new ("delete-all", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                      NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_template_from_resource (widget_class, LW_RESOURCE_BASE "/lw-preferences.ui");
  gtk_widget_class_bind_template_child (widget_class, LwPreferences, color_scheme);
  gtk_widget_class_bind_template_child (widget_class, LwPreferences, kv_type);
  gtk_widget_class_bind_template_child (widget_class, LwPreferences, enter_sends);
  gtk_widget_class_bind_template_child (widget_class, LwPreferences, notify_finished);
  gtk_widget_class_bind_template_child (widget_class, LwPreferences, stop_repeating);
  gtk_widget_class_bind_template_child (widget_class, LwPreferences, use_gpu);
  gtk_widget_class_bind_template_child (widget_class, LwPreferences, keep_snapshots);
  gtk_widget_class_bind_template_child (widget_class, LwPreferences, device);
  gtk_widget_class_bind_template_child (widget_class, LwPreferences, context);
  gtk_widget_class_bind_template_child (widget_class, LwPreferences, snapshots);
  gtk_widget_class_bind_template_child (widget_class, LwPreferences, cpu);
  gtk_widget_class_bind_template_child (widget_class, LwPreferences, gpu);
  gtk_widget_class_bind_template_child (widget_class, LwPreferences, used);
  gtk_widget_class_bind_template_child (widget_class, LwPreferences, chats_folder);
  gtk_widget_class_bind_template_child (widget_class, LwPreferences, cache_folder);
  gtk_widget_class_bind_template_child (widget_class, LwPreferences, clear);
  gtk_widget_class_bind_template_child (widget_class, LwPreferences, open_folder);
  gtk_widget_class_bind_template_child (widget_class, LwPreferences, delete_all);
  gtk_widget_class_bind_template_callback (widget_class, clear_clicked);
  gtk_widget_class_bind_template_callback (widget_class, open_folder_clicked);
  gtk_widget_class_bind_template_callback (widget_class, delete_all_clicked);
}

static void
lw_preferences_init (LwPreferences *self)
{
  GtkWidget *stack;

  gtk_widget_init_template (GTK_WIDGET (self));
  lw_name_icon_buttons (GTK_WIDGET (self));
  /* Else each of the pages is laid out for the size of the largest. */
  stack = gtk_widget_get_ancestor (GTK_WIDGET (self->cpu), ADW_TYPE_VIEW_STACK);
  if (stack)
    g_object_set (stack, "hhomogeneous", FALSE, "vhomogeneous", FALSE, NULL);
}

LwPreferences *
lw_preferences_new (LwSettings *settings)
{
  LwPreferences *self = g_object_new (LW_TYPE_PREFERENCES, NULL);
  g_autofree char *cpu = lw_device_describe_cpu ();
  g_autofree char *data = lw_mem_default_folder (), *cache = lw_session_default_snapshots ();
  g_autofree char *subtitle = NULL;

  self->settings = g_object_ref (settings);
  self->gigabytes_before = asked_gigabytes (self);
  self->filling = TRUE;
  bind_combo (self, self->color_scheme, "color-scheme");
  bind_switch (self, self->enter_sends, "enter-sends");
  bind_switch (self, self->notify_finished, "notify-finished");
  bind_switch (self, self->stop_repeating, "stop-repeating");
  adw_action_row_set_subtitle (self->cpu, cpu);
  gtk_widget_set_sensitive (GTK_WIDGET (self->use_gpu), FALSE);
  lw_graphics_find (G_OBJECT (self), graphics_found);
  subtitle = g_strdup_printf (_("0: as many as there are (%d)"), lw_cpu_count ());
  self->threads = add_spin (self, self->device, "threads", _("Threads"), subtitle, 256, 1);
  self->context_tokens
      = add_spin (self, self->context, "context-tokens", _("Longest context"),
                  _("In tokens; 0: what the model was made for and the memory allows"), 16777216, 1024);
  bind_combo (self, self->kv_type, "kv-precision");
  bind_switch (self, self->keep_snapshots, "keep-snapshots");
  self->snapshot_gigabytes
      = add_spin (self, self->snapshots, "snapshot-gigabytes", _("At most"),
                  _("In GB; 0: 8 GB, or a tenth of the free space. The oldest go first."), 4096, 1);
  adw_action_row_set_subtitle (self->chats_folder, data);
  adw_action_row_set_subtitle (self->cache_folder, cache);
  self->filling = FALSE;
  measure_snapshots (self, FALSE);
  lw_quick_layout (GTK_WIDGET (self));
  return self;
}
