/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/memory.h"

#include <stdio.h>

/* A field of /proc/meminfo in bytes, 0 when it cannot be read. */
static guint64 meminfo(const char *field)
{
    FILE *f = fopen("/proc/meminfo", "r");
    char line[256];
    guint64 kib = 0;
    g_autofree char *pattern = g_strdup_printf("%s: %%" G_GUINT64_FORMAT, field);

    if (!f)
        return 0;
    while (kib == 0 && fgets(line, sizeof line, f)) {
        guint64 v;
        if (g_str_has_prefix(line, field) && sscanf(line, pattern, &v) == 1)
            kib = v;
    }
    fclose(f);
    return kib * 1024;
}

/* A number in a control-group file; G_MAXUINT64 for "max" or when there is none. */
static guint64 cgroup_value(const char *path)
{
    FILE *f = fopen(path, "r");
    guint64 v;

    if (!f)
        return G_MAXUINT64;
    if (fscanf(f, "%" G_GUINT64_FORMAT, &v) != 1)
        v = G_MAXUINT64;
    fclose(f);
    return v;
}

/* What somebody wants to leave to this program; what is no number counts as nothing said. */
static guint64 wanted(void)
{
    const char *text = g_getenv("LW_MEMORY");
    guint64 v = 0;

    return text && g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT64, &v, NULL) ? v : G_MAXUINT64;
}

guint64 lw_memory_total(void)
{
    guint64 total = MIN(meminfo("MemTotal"), cgroup_value("/sys/fs/cgroup/memory.max"));

    return MIN(total, wanted());
}

guint64 lw_memory_available(void)
{
    guint64 limit = cgroup_value("/sys/fs/cgroup/memory.max");
    guint64 used = cgroup_value("/sys/fs/cgroup/memory.current");
    guint64 available = meminfo("MemAvailable");

    if (limit != G_MAXUINT64 && used != G_MAXUINT64)
        available = MIN(available, limit > used ? limit - used : 0);
    return MIN(available, wanted());
}
