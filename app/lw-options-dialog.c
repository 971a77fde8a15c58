/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-options-dialog.h"

#include <glib/gi18n.h>

#include "app/lw-names.h"
#include "app/lw-quick-layout.h"

/* Rows of the combo before the saved presets. */
enum
{
  CUSTOM,
  PRECISE,
  BALANCED,
  INVENTIVE,
  N_BUILT_IN
};

/* Between a change and its being kept, milliseconds. */
#define SAVE_MS 400

struct _LwOptionsDialog
{
  AdwWindow parent_instance;
  LwChatOptions *options;
  char *chat, *model, *model_name;
  GPtrArray *preset_ids; /* of the rows after the built-in ones */
  gboolean filling;      /* the widgets are being set */
  guint save_source;

  AdwToastOverlay *toasts;
  AdwComboRow *preset;
  GtkTextView *system;
  AdwPreferencesGroup *sampling;
  AdwActionRow *own_row;
  GtkSwitch *own;
  GtkWidget *delete_preset;
  GtkSpinButton *temperature, *top_k, *top_p, *min_p, *repeat_penalty, *max_tokens, *seed;
};

G_DEFINE_FINAL_TYPE (LwOptionsDialog, lw_options_dialog, ADW_TYPE_WINDOW)

/* ---- Widgets and values ---- */

static void
update_sensitivity (LwOptionsDialog *self)
{
  GtkSpinButton *spins[] = { self->temperature, self->top_k,      self->top_p, self->min_p,
                             self->repeat_penalty, self->max_tokens, self->seed };
  gboolean own = gtk_switch_get_active (self->own);

  for (guint i = 0; i < G_N_ELEMENTS (spins); i++)
    gtk_widget_set_sensitive (gtk_widget_get_ancestor (GTK_WIDGET (spins[i]), ADW_TYPE_ACTION_ROW),
                              !own);
}

static void
fill (LwOptionsDialog *self, const lw_mem_options *o)
{
  self->filling = TRUE;
  gtk_text_buffer_set_text (gtk_text_view_get_buffer (self->system), o->system ? o->system : "", -1);
  gtk_switch_set_active (self->own, o->own);
  gtk_spin_button_set_value (self->temperature, o->temperature);
  gtk_spin_button_set_value (self->top_k, o->top_k);
  gtk_spin_button_set_value (self->top_p, o->top_p);
  gtk_spin_button_set_value (self->min_p, o->min_p);
  gtk_spin_button_set_value (self->repeat_penalty, o->repeat_penalty);
  gtk_spin_button_set_value (self->max_tokens, o->max_tokens);
  gtk_spin_button_set_value (self->seed, (double)o->seed);
  self->filling = FALSE;
  update_sensitivity (self);
}

static lw_mem_options *
collect (LwOptionsDialog *self, lw_mem_options_kind kind, const char *owner)
{
  lw_mem_options *o = lw_mem_options_new (kind, owner ? owner : "");
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (self->system);
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (buffer, &start, &end);
  o->system = gtk_text_buffer_get_text (buffer, &start, &end, FALSE);
  o->own = gtk_switch_get_active (self->own);
  o->temperature = gtk_spin_button_get_value (self->temperature);
  o->top_k = gtk_spin_button_get_value_as_int (self->top_k);
  o->top_p = gtk_spin_button_get_value (self->top_p);
  o->min_p = gtk_spin_button_get_value (self->min_p);
  o->repeat_penalty = gtk_spin_button_get_value (self->repeat_penalty);
  o->max_tokens = gtk_spin_button_get_value_as_int (self->max_tokens);
  o->seed = (gint64)gtk_spin_button_get_value (self->seed);
  return o;
}

/* ---- Keeping ---- */

static gboolean
save (gpointer data)
{
  LwOptionsDialog *self = data;

  self->save_source = 0;
  lw_chat_options_put (self->options, collect (self, LW_MEM_OPTIONS_CHAT, self->chat));
  return G_SOURCE_REMOVE;
}

static void
save_soon (LwOptionsDialog *self)
{
  if (!self->save_source)
    self->save_source = g_timeout_add (SAVE_MS, save, self);
}

static void
changed (LwOptionsDialog *self)
{
  if (self->filling)
    return;
  update_sensitivity (self);
  self->filling = TRUE;
  adw_combo_row_set_selected (self->preset, CUSTOM);
  self->filling = FALSE;
  gtk_widget_set_visible (self->delete_preset, FALSE);
  save_soon (self);
}

static void
toast (LwOptionsDialog *self, const char *message)
{
  g_autofree char *escaped = g_markup_escape_text (message, -1);

  adw_toast_overlay_add_toast (self->toasts, adw_toast_new (escaped));
}

static void
use_for_model (LwOptionsDialog *self)
{
  g_autofree char *text = NULL;

  lw_chat_options_put (self->options, collect (self, LW_MEM_OPTIONS_MODEL, self->model));
  /* Translators: %s is a model's name */
  text = g_strdup_printf (_("Used for new chats with %s"), self->model_name);
  toast (self, text);
}

/* ---- Presets ---- */

static void
list_presets (LwOptionsDialog *self)
{
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);
  g_autoptr (GPtrArray) presets = lw_chat_options_list_presets (self->options);

  g_ptr_array_set_size (self->preset_ids, 0);
  gtk_string_list_append (names, C_ ("preset", "Your own settings"));
  gtk_string_list_append (names, C_ ("preset", "Precise"));
  gtk_string_list_append (names, C_ ("preset", "Balanced"));
  gtk_string_list_append (names, C_ ("preset", "Inventive"));
  for (guint i = 0; i < presets->len; i++)
    {
      const lw_mem_options *o = presets->pdata[i];

      gtk_string_list_append (names, o->name ? o->name : "");
      g_ptr_array_add (self->preset_ids, g_strdup (o->owner));
    }
  self->filling = TRUE;
  adw_combo_row_set_model (self->preset, G_LIST_MODEL (names));
  adw_combo_row_set_selected (self->preset, CUSTOM);
  self->filling = FALSE;
  gtk_widget_set_visible (self->delete_preset, FALSE);
}

static const char *
selected_preset (LwOptionsDialog *self)
{
  guint k = adw_combo_row_get_selected (self->preset);

  return k >= N_BUILT_IN && k - N_BUILT_IN < self->preset_ids->len
             ? self->preset_ids->pdata[k - N_BUILT_IN]
             : NULL;
}

static void
preset_selected (LwOptionsDialog *self)
{
  guint k = adw_combo_row_get_selected (self->preset);
  const char *id = selected_preset (self);
  lw_mem_options *o = NULL;

  if (self->filling || k == CUSTOM || k == GTK_INVALID_LIST_POSITION)
    return;
  if (id)
    {
      const lw_mem_options *kept = lw_chat_options_get (self->options, LW_MEM_OPTIONS_PRESET, id);

      o = kept ? lw_mem_options_copy (kept) : NULL;
    }
  else
    {
      /* Built-in ones leave the instructions alone. */
      o = collect (self, LW_MEM_OPTIONS_CHAT, self->chat);
      o->own = k == BALANCED;
      o->temperature = k == PRECISE ? 0.2 : k == INVENTIVE ? 1.1 : 0.8;
      o->top_k = k == PRECISE ? 20 : k == INVENTIVE ? 100 : 40;
      o->top_p = k == PRECISE ? 0.9 : k == INVENTIVE ? 0.98 : 0.95;
      o->min_p = k == INVENTIVE ? 0.02 : 0.05;
      o->repeat_penalty = 1;
    }
  if (o)
    {
      fill (self, o);
      save_soon (self);
    }
  lw_mem_options_free (o);
  gtk_widget_set_visible (self->delete_preset, id != NULL);
}

static void
delete_preset_clicked (LwOptionsDialog *self)
{
  g_autofree char *id = g_strdup (selected_preset (self));

  if (id)
    lw_chat_options_remove (self->options, LW_MEM_OPTIONS_PRESET, id);
  list_presets (self);
}

static void
name_response (AdwMessageDialog *dialog, const char *response, LwOptionsDialog *self)
{
  GtkEditable *entry = GTK_EDITABLE (adw_message_dialog_get_extra_child (dialog));
  g_autofree char *name = g_strstrip (g_strdup (gtk_editable_get_text (entry)));
  g_autofree char *id = NULL;
  lw_mem_options *o;

  if (!g_str_equal (response, "save") || !*name)
    return;
  id = lw_mem_new_id ();
  o = collect (self, LW_MEM_OPTIONS_PRESET, id);
  o->name = g_strdup (name);
  lw_chat_options_put (self->options, o);
  list_presets (self);
  for (guint i = 0; i < self->preset_ids->len; i++)
    if (g_str_equal (self->preset_ids->pdata[i], id))
      {
        self->filling = TRUE;
        adw_combo_row_set_selected (self->preset, N_BUILT_IN + i);
        self->filling = FALSE;
        gtk_widget_set_visible (self->delete_preset, TRUE);
      }
}

static void
save_preset (LwOptionsDialog *self)
{
  GtkWidget *dialog = adw_message_dialog_new (GTK_WINDOW (self), _("Save as Preset"), NULL);
  AdwMessageDialog *message = ADW_MESSAGE_DIALOG (dialog);
  GtkWidget *entry = gtk_entry_new ();

  gtk_entry_set_activates_default (GTK_ENTRY (entry), TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (entry), GTK_ACCESSIBLE_PROPERTY_LABEL, _("Name"),
                                  -1);
  adw_message_dialog_set_extra_child (message, entry);
  adw_message_dialog_add_responses (message, "cancel", _("_Cancel"), "save", _("_Save"), NULL);
  adw_message_dialog_set_response_appearance (message, "save", ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (message, "save");
  adw_message_dialog_set_close_response (message, "cancel");
  g_signal_connect_object (dialog, "response", G_CALLBACK (name_response), self, 0);
  gtk_window_present (GTK_WINDOW (dialog));
  gtk_widget_grab_focus (entry);
}

/* ---- Object ---- */

static GtkSpinButton *
add_spin (LwOptionsDialog *self, const char *title, const char *subtitle, double min, double max,
          double step, guint digits)
{
  GtkWidget *row = adw_action_row_new (), *spin = gtk_spin_button_new_with_range (min, max, step);

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  gtk_spin_button_set_digits (GTK_SPIN_BUTTON (spin), digits);
  gtk_editable_set_width_chars (GTK_EDITABLE (spin), 5);
  gtk_widget_set_valign (spin, GTK_ALIGN_CENTER);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), spin);
  /* Which also names it for a screen reader. */
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), spin);
  adw_preferences_group_add (self->sampling, row);
  g_signal_connect_swapped (spin, "value-changed", G_CALLBACK (changed), self);
  return GTK_SPIN_BUTTON (spin);
}

static void
lw_options_dialog_dispose (GObject *object)
{
  LwOptionsDialog *self = LW_OPTIONS_DIALOG (object);

  if (self->save_source)
    {
      g_clear_handle_id (&self->save_source, g_source_remove);
      save (self);
    }
  g_clear_object (&self->options);
  g_clear_pointer (&self->preset_ids, g_ptr_array_unref);
  g_clear_pointer (&self->chat, g_free);
  g_clear_pointer (&self->model, g_free);
  g_clear_pointer (&self->model_name, g_free);
  G_OBJECT_CLASS (lw_options_dialog_parent_class)->dispose (object);
}

static gboolean
lw_options_dialog_close_request (GtkWindow *window)
{
  LwOptionsDialog *self = LW_OPTIONS_DIALOG (window);

  if (self->save_source)
    {
      g_clear_handle_id (&self->save_source, g_source_remove);
      save (self);
    }
  return GTK_WINDOW_CLASS (lw_options_dialog_parent_class)->close_request (window);
}

static void
lw_options_dialog_class_init (LwOptionsDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lw_options_dialog_dispose;
  GTK_WINDOW_CLASS (klass)->close_request = lw_options_dialog_close_request;
  gtk_widget_class_set_template_from_resource (widget_class,
                                               LW_RESOURCE_BASE "/lw-options-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, LwOptionsDialog, toasts);
  gtk_widget_class_bind_template_child (widget_class, LwOptionsDialog, preset);
  gtk_widget_class_bind_template_child (widget_class, LwOptionsDialog, system);
  gtk_widget_class_bind_template_child (widget_class, LwOptionsDialog, sampling);
  gtk_widget_class_bind_template_child (widget_class, LwOptionsDialog, own_row);
  gtk_widget_class_bind_template_child (widget_class, LwOptionsDialog, own);
  gtk_widget_class_bind_template_child (widget_class, LwOptionsDialog, delete_preset);
  gtk_widget_class_bind_template_callback (widget_class, preset_selected);
  gtk_widget_class_bind_template_callback (widget_class, changed);
  gtk_widget_class_bind_template_callback (widget_class, use_for_model);
  gtk_widget_class_bind_template_callback (widget_class, save_preset);
  gtk_widget_class_bind_template_callback (widget_class, delete_preset_clicked);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
lw_options_dialog_init (LwOptionsDialog *self)
{
  self->preset_ids = g_ptr_array_new_with_free_func (g_free);
  self->filling = TRUE;
  gtk_widget_init_template (GTK_WIDGET (self));
  lw_name_icon_buttons_to_come (GTK_WIDGET (self->toasts));
  self->temperature = add_spin (self, _("Temperature"), _("0 always takes the likeliest word"), 0, 2,
                                0.05, 2);
  self->top_k = add_spin (self, _("Top-k"), _("Only so many likeliest words; 0: all"), 0, 1000, 1, 0);
  self->top_p = add_spin (self, _("Top-p"), _("Only the likeliest words up to this share"), 0.05, 1,
                          0.01, 2);
  self->min_p = add_spin (self, _("Min-p"), _("Nothing below this share of the likeliest"), 0, 0.95,
                          0.01, 2);
  self->repeat_penalty = add_spin (self, _("Penalty for repetition"), _("1: none"), 0.5, 2, 0.05, 2);
  self->max_tokens = add_spin (self, _("Longest answer"), _("In tokens; 0: until it ends"), 0, 1000000,
                               64, 0);
  self->seed = add_spin (self, _("Seed"), _("The same one repeats an answer; −1: another each time"),
                         -1, 4294967295.0, 1, 0);
  gtk_editable_set_width_chars (GTK_EDITABLE (self->seed), 8);
  g_signal_connect_swapped (gtk_text_view_get_buffer (self->system), "changed", G_CALLBACK (changed),
                            self);
}

LwOptionsDialog *
lw_options_dialog_new (LwChatOptions *options, const char *chat, const char *model,
                       const char *model_name)
{
  LwOptionsDialog *self = g_object_new (LW_TYPE_OPTIONS_DIALOG, NULL);
  lw_mem_options *o = lw_chat_options_resolve (options, chat, model);

  self->options = g_object_ref (options);
  self->chat = g_strdup (chat);
  self->model = g_strdup (model);
  self->model_name = g_strdup (model_name);
  fill (self, o);
  lw_mem_options_free (o);
  list_presets (self);
  lw_quick_layout (GTK_WIDGET (self));
  return self;
}
