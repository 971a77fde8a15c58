/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/device.h"

#include <glib/gi18n.h>
#include <string.h>

#include "engine/backend/backend.h"
#include "engine/base/cpu.h"

/* More devices than a computer has. */
#define MAX_DEVICES 4096
/* Bytes of a file in /sys or /proc that says something, and of a card's name. */
#define MAX_VALUE 4096
#define MAX_NAME 96

/* In the order of being told; no more than ten (compare_cards). */
enum { NVIDIA, AMD, INTEL };

static const struct {
    const char *vendor, *name;
} vendors[] = {[NVIDIA] = {"0x10de", "NVIDIA"}, [AMD] = {"0x1002", "AMD"}, [INTEL] = {"0x8086", "Intel"}};

/* Without the space around it; "" when there is none. */
static char *read_value(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL), *text = NULL;
    gsize n;

    if (!g_file_get_contents(path, &text, &n, NULL) || n > MAX_VALUE || !g_utf8_validate(text, (gssize)n, NULL))
        return g_strdup("");
    return g_strstrip(g_steal_pointer(&text));
}

/* "NVIDIA H100 80GB HBM3", which its driver tells in a line "Model:" once it is loaded; otherwise the maker. */
static char *name_nvidia(const char *root, const char *device)
{
    g_autofree char *folder = g_build_filename(root, "proc/driver/nvidia/gpus", device, NULL);
    g_autofree char *text = read_value(folder, "information");
    char *name, *end;

    if (!g_str_has_prefix(text, "Model:"))
        return g_strdup("NVIDIA");
    name = text + strlen("Model:");
    end = strchr(name, '\n');
    if (end)
        *end = '\0';
    g_strstrip(name);
    if (!*name || strlen(name) > MAX_NAME)
        return g_strdup("NVIDIA");
    return g_str_has_prefix(name, "NVIDIA") ? g_strdup(name) : g_strconcat("NVIDIA ", name, NULL);
}

static char *describe_nvidia(const char *root, const char *device)
{
    g_autofree char *name = name_nvidia(root, device), *folder = g_build_filename(root, "sys/module/nvidia", NULL);
    g_autofree char *driver = read_value(folder, "version");

    if (!*driver || strlen(driver) > MAX_NAME)
        return g_steal_pointer(&name);
    /* Translators: a graphics card and the version of its driver, "580.95.05" */
    return g_strdup_printf(_("%1$s (driver %2$s)"), name, driver);
}

/* Memory of its own is what AMD's driver tells of a card. */
static char *describe_other(const char *maker, const char *folder)
{
    g_autofree char *text = read_value(folder, "mem_info_vram_total"), *size = NULL;
    guint64 bytes;

    if (!g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT64, &bytes, NULL))
        return g_strdup(maker);
    size = g_format_size(bytes);
    return g_strdup_printf("%s (%s)", maker, size);
}

static int compare_cards(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char *lw_device_find_cards(const char *root)
{
    GString *found = g_string_new(NULL);
    g_autofree char *pci = g_build_filename(root, "sys/bus/pci/devices", NULL);
    GDir *dir = g_dir_open(pci, 0, NULL);
    /* "0NVIDIA H100 80GB HBM3": where the maker is in vendors, which is the order, and what it is. */
    g_autoptr(GPtrArray) cards = g_ptr_array_new_with_free_func(g_free);
    const char *device;

    for (int i = 0; dir && i < MAX_DEVICES && (device = g_dir_read_name(dir)); i++) {
        g_autofree char *folder = g_build_filename(pci, device, NULL), *class = read_value(folder, "class");
        if (!g_str_has_prefix(class, "0x03")) /* display controllers */
            continue;
        g_autofree char *vendor = read_value(folder, "vendor");
        for (guint k = 0; k < G_N_ELEMENTS(vendors); k++) {
            if (strcmp(vendor, vendors[k].vendor) != 0)
                continue;
            g_autofree char *card = k == NVIDIA ? describe_nvidia(root, device)
                                                : describe_other(vendors[k].name, folder);
            g_ptr_array_add(cards, g_strdup_printf("%u%s", k, card));
        }
    }
    if (dir)
        g_dir_close(dir);
    g_ptr_array_sort(cards, compare_cards);
    for (guint i = 0, n; i < cards->len; i += n) {
        const char *card = cards->pdata[i];
        for (n = 1; i + n < cards->len && strcmp(cards->pdata[i + n], card) == 0; n++)
            ;
        if (found->len)
            g_string_append(found, ", ");
        if (n > 1)
            g_string_append_printf(found, "%u × ", n);
        g_string_append(found, card + 1);
    }
    return g_string_free(found, FALSE);
}

char *lw_device_describe_cpu(void)
{
    int n = lw_cpu_count();

    /* Translators: %1$s is what the processor can do, "AVX2" */
    return g_strdup_printf(ngettext("%1$s, %2$d processor", "%1$s, %2$d processors", (gulong)n),
                           lw_cpu_describe(lw_cpu_flags_get()), n);
}

static char *describe_graphics(const char *cards, const char **backend)
{
    g_autofree char *why = NULL;
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
        /* Translators: %1$s are graphics cards, %2$s a reason */
        return g_strdup_printf(_("Found: %1$s, but it cannot be used: %2$s"), cards, why ? why : "?");
    if (built)
        return g_strdup_printf(_("Cannot be used: %s"), why ? why : "?");
    if (*cards)
        return g_strdup_printf(
            _("Found: %s, but this version of Longwave computes on the processor only"), cards);
    return g_strdup(_("No graphics card found; this version of Longwave computes on the processor only"));
}

lw_graphics *lw_device_find_graphics(void)
{
    lw_graphics *g = g_new0(lw_graphics, 1);
    const char *root = g_getenv("LW_SYSTEM_ROOT");

    g->cards = lw_device_find_cards(root ? root : "/");
    g->text = describe_graphics(g->cards, &g->backend);
    return g;
}

void lw_graphics_free(lw_graphics *g)
{
    if (!g)
        return;
    g_free(g->cards);
    g_free(g->text);
    g_free(g);
}
