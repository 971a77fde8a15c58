/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-welcome.h"

#include "app/lw-types.h"

struct _LwWelcome
{
  GtkBox parent_instance;
};

G_DEFINE_FINAL_TYPE (LwWelcome, lw_welcome, GTK_TYPE_BOX)

static void
lw_welcome_class_init (LwWelcomeClass *klass)
{
  gtk_widget_class_set_template_from_resource (GTK_WIDGET_CLASS (klass),
                                               LW_RESOURCE_BASE "/lw-welcome.ui");
}

static void
lw_welcome_init (LwWelcome *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
