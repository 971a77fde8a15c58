/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/device.h"

#include <glib/gi18n.h>
#include <string.h>

#include "engine/backend/backend.h"
#include "engine/base/cpu.h"

/* More devices than a computer has. */
#define MAX_DEVICES 4096
/* Bytes of a file in /sys that say something. */
#define MAX_VALUE 64

static const struct {
    const char *vendor, *name;
} vendors[] = {{"0x10de", "NVIDIA"}, {"0x1002", "AMD"}, {"0x8086", "Intel"}};

static char *read_value(const char *folder, const char *device, const char *name)
{
    g_autofree char *path = g_build_filename(folder, device, name, NULL), *text = NULL;
    gsize n;

    if (!g_file_get_contents(path, &text, &n, NULL) || n > MAX_VALUE)
        return g_strdup("");
    return g_strdup(g_strstrip(text));
}

char *lw_device_find_cards(const char *pci_folder)
{
    GString *found = g_string_new(NULL);
    GDir *dir = g_dir_open(pci_folder, 0, NULL);
    const char *device;
    gboolean seen[G_N_ELEMENTS(vendors)] = {FALSE};

    for (int i = 0; dir && i < MAX_DEVICES && (device = g_dir_read_name(dir)); i++) {
        g_autofree char *class = read_value(pci_folder, device, "class");
        if (!g_str_has_prefix(class, "0x03")) /* display controllers */
            continue;
        g_autofree char *vendor = read_value(pci_folder, device, "vendor");
        for (gsize k = 0; k < G_N_ELEMENTS(vendors); k++)
            seen[k] |= strcmp(vendor, vendors[k].vendor) == 0;
    }
    if (dir)
        g_dir_close(dir);
    for (gsize k = 0; k < G_N_ELEMENTS(vendors); k++)
        if (seen[k])
            g_string_append_printf(found, "%s%s", found->len ? ", " : "", vendors[k].name);
    return g_string_free(found, FALSE);
}

char *lw_device_describe_cpu(void)
{
    int n = lw_cpu_count();

    /* Translators: %1$s is what the processor can do, "AVX2" */
    return g_strdup_printf(ngettext("%1$s, %2$d processor", "%1$s, %2$d processors", (gulong)n),
                           lw_cpu_describe(lw_cpu_flags_get()), n);
}

char *lw_device_describe_gpu(const char **backend)
{
    g_autofree char *cards = lw_device_find_cards("/sys/bus/pci/devices"), *why = NULL;
    gboolean built = FALSE;

    *backend = NULL;
    for (int i = 0; lw_backends[i]; i++) {
        if (strcmp(lw_backends[i]->name, "cpu") == 0)
            continue;
        built = TRUE;
        g_clear_pointer(&why, g_free);
        if (lw_backends[i]->available(&why)) {
            *backend = lw_backends[i]->name;
            return *cards ? g_strdup_printf(_("Found: %s"), cards) : g_strdup(*backend);
        }
    }
    if (built && *cards)
        /* Translators: %1$s are makers of graphics cards, %2$s a reason */
        return g_strdup_printf(_("Found: %1$s, but it cannot be used: %2$s"), cards, why ? why : "?");
    if (built)
        return g_strdup_printf(_("Cannot be used: %s"), why ? why : "?");
    if (*cards)
        return g_strdup_printf(
            _("Found: %s, but this version of Longwave computes on the processor only"), cards);
    return g_strdup(_("No graphics card found; this version of Longwave computes on the processor only"));
}
