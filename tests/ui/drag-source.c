/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * drag-source WINDOW FILE...: a small window that files can be dragged from, as from a file manager.
 * drag-source WINDOW --text FILE: what is in the file, as text that was marked somewhere.
 * WINDOW is the X window it will be dropped on: without a window manager nobody has marked it as a
 * client's (WM_STATE), which drag and drop looks for, so it is marked here.
 */
#include <X11/Xatom.h>
#include <gdk/x11/gdkx.h>
#include <gtk/gtk.h>
#include <stdlib.h>

static char **paths;
static Window target;

static void mark_as_client(Display *display, Window window)
{
    Atom state = XInternAtom(display, "WM_STATE", False);
    long normal[2] = {1, None};

    XChangeProperty(display, window, state, state, 32, PropModeReplace, (unsigned char *)normal, 2);
}

static GdkContentProvider *prepare(GtkDragSource *source, double x, double y)
{
    GSList *files = NULL;

    if (g_str_equal(paths[0], "--text")) {
        g_autofree char *text = NULL;
        if (!g_file_get_contents(paths[1], &text, NULL, NULL))
            g_error("%s cannot be read", paths[1]);
        return gdk_content_provider_new_typed(G_TYPE_STRING, text);
    }
    for (char **p = paths; *p; p++)
        files = g_slist_append(files, g_file_new_for_commandline_arg(*p));
    GdkFileList *list = gdk_file_list_new_from_list(files);
    GdkContentProvider *provider = gdk_content_provider_new_typed(GDK_TYPE_FILE_LIST, list);

    g_boxed_free(GDK_TYPE_FILE_LIST, list);
    g_slist_free_full(files, g_object_unref);
    return provider;
}

static void drag_begin(GtkDragSource *source, GdkDrag *drag)
{
    g_print("drag begun\n");
}

static void drag_end(GtkDragSource *source, GdkDrag *drag, gboolean delete_data)
{
    g_print("drag ended\n");
}

static void activate(GtkApplication *app)
{
    GtkWidget *window = gtk_application_window_new(app);
    GtkWidget *label = gtk_label_new("Drag me");
    GtkDragSource *source = gtk_drag_source_new();

    gtk_drag_source_set_actions(source, GDK_ACTION_COPY);
    g_signal_connect(source, "prepare", G_CALLBACK(prepare), NULL);
    g_signal_connect(source, "drag-begin", G_CALLBACK(drag_begin), NULL);
    g_signal_connect(source, "drag-end", G_CALLBACK(drag_end), NULL);
    gtk_widget_add_controller(label, GTK_EVENT_CONTROLLER(source));
    gtk_window_set_title(GTK_WINDOW(window), "Drag source");
    gtk_window_set_decorated(GTK_WINDOW(window), FALSE);
    gtk_window_set_default_size(GTK_WINDOW(window), 160, 160);
    gtk_window_set_child(GTK_WINDOW(window), label);
    gtk_window_present(GTK_WINDOW(window));

    GdkSurface *surface = gtk_native_get_surface(GTK_NATIVE(window));
    Display *display = gdk_x11_display_get_xdisplay(gdk_surface_get_display(surface));
    mark_as_client(display, gdk_x11_surface_get_xid(surface));
    mark_as_client(display, target);
    XFlush(display);
}

int main(int argc, char **argv)
{
    g_autoptr(GtkApplication) app = NULL;

    if (argc < 3) {
        g_printerr("usage: drag-source WINDOW FILE...\n");
        return 2;
    }
    target = strtoul(argv[1], NULL, 0);
    paths = argv + 2;
    app = gtk_application_new(NULL, G_APPLICATION_NON_UNIQUE);
    g_signal_connect(app, "activate", G_CALLBACK(activate), NULL);
    return g_application_run(G_APPLICATION(app), 1, argv);
}
