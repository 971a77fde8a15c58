/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * slow-folder FOLDER: a file dialog of ours that is painted before anything is known of its folder, as on a
 * busy machine: GTK looks it up in a thread, and all of those are waiting here.  FOLDER's path must be too
 * long for the dialog.  Exits with 0 when GTK did not complain and an arrow of the path bar is there in the
 * end.
 */
#include "app/lw-file-chooser.h"

#include <stdlib.h>
#include <string.h>

/* GTask's threads become more only one by one, some milliseconds after each other. */
#define WAITING 2000

static GMutex gate;
static GMainLoop *loop;
static GtkWidget *bar;
static int complaints, frames;
static gboolean opened;

static GLogWriterOutput write_log(GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
    for (gsize i = 0; i < n; i++)
        if (g_str_equal(fields[i].key, "MESSAGE") && strstr(fields[i].value, "without a current allocation"))
            complaints++;
    return g_log_writer_default(level, fields, n, data);
}

static void wait_at_gate(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
    g_mutex_lock(&gate);
    g_mutex_unlock(&gate);
    g_task_return_boolean(task, TRUE);
}

static GtkWidget *find(GtkWidget *widget, const char *type)
{
    if (g_str_equal(G_OBJECT_TYPE_NAME(widget), type))
        return widget;
    for (GtkWidget *w = gtk_widget_get_first_child(widget); w; w = gtk_widget_get_next_sibling(w)) {
        GtkWidget *found = find(w, type);

        if (found)
            return found;
    }
    return NULL;
}

/* Of the bar's own two buttons, or of those of the path: how many are shown. */
static int shown(GType type)
{
    int n = 0;

    for (GtkWidget *w = gtk_widget_get_first_child(bar); w; w = gtk_widget_get_next_sibling(w))
        n += G_OBJECT_TYPE(w) == type && gtk_widget_get_mapped(w) && gtk_widget_get_width(w) > 0;
    return n;
}

static void painted(GdkFrameClock *clock, GtkWidget *dialog)
{
    gtk_widget_queue_draw(bar);
    if (!opened && gtk_widget_get_mapped(bar) && ++frames == 5) {
        if (shown(GTK_TYPE_TOGGLE_BUTTON))
            g_error("the folder was known before the first frames");
        opened = TRUE;
        g_mutex_unlock(&gate);
    }
    if (opened && shown(GTK_TYPE_TOGGLE_BUTTON) && shown(GTK_TYPE_BUTTON))
        g_main_loop_quit(loop);
}

static gboolean give_up(gpointer data)
{
    g_printerr("%d frames, %d folders and %d arrows\n", frames, shown(GTK_TYPE_TOGGLE_BUTTON),
               shown(GTK_TYPE_BUTTON));
    exit(1);
}

int main(int argc, char **argv)
{
    g_log_set_writer_func(write_log, NULL, NULL);
    gtk_init();
    loop = g_main_loop_new(NULL, FALSE);
    g_mutex_lock(&gate);
    for (int i = 0; i < WAITING; i++) {
        GTask *task = g_task_new(NULL, NULL, NULL, NULL);

        g_task_set_priority(task, G_PRIORITY_HIGH);
        g_task_run_in_thread(task, wait_at_gate);
        g_object_unref(task);
    }

    GtkWidget *window = gtk_window_new();
    GtkFileChooserNative *chooser = gtk_file_chooser_native_new("Open", GTK_WINDOW(window),
                                                                GTK_FILE_CHOOSER_ACTION_OPEN, NULL, NULL);
    GFile *folder = g_file_new_for_commandline_arg(argc > 1 ? argv[1] : ".");

    gtk_window_present(GTK_WINDOW(window));
    gtk_file_chooser_set_current_folder(GTK_FILE_CHOOSER(chooser), folder, NULL);
    g_object_unref(folder);
    lw_file_chooser_show(chooser);

    GListModel *windows = gtk_window_get_toplevels();

    for (guint i = 0; i < g_list_model_get_n_items(windows) && !bar; i++) {
        GtkWidget *dialog = g_list_model_get_item(windows, i);

        bar = find(dialog, "GtkPathBar");
        if (bar)
            g_signal_connect(gtk_widget_get_frame_clock(dialog), "after-paint", G_CALLBACK(painted), dialog);
        g_object_unref(dialog);
    }
    if (!bar)
        g_error("the dialog has no path bar");
    g_timeout_add_seconds(60, give_up, NULL);
    g_main_loop_run(loop);
    g_print("%d frames before the folder was known, %d complaints\n", frames, complaints);
    return complaints != 0;
}
