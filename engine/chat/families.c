/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The array of families, and what they share.
 */
#include "engine/chat/family.h"

#include <string.h>

const lw_chat_family *const lw_chat_families[] = {
    &lw_chat_chatml_qwen3,
    &lw_chat_chatml_qwen25,
    &lw_chat_chatml_qwen_vl,
    &lw_chat_llama32,
    &lw_chat_llama31,
    &lw_chat_llama3,
    &lw_chat_phi3,
    &lw_chat_glm4,
    &lw_chat_gemma,
    &lw_chat_chatml,
    NULL,
};

const lw_chat_family *lw_chat_family_find(const char *name)
{
    for (gsize i = 0; lw_chat_families[i]; i++) {
        if (strcmp(lw_chat_families[i]->name, name) == 0)
            return lw_chat_families[i];
    }
    return NULL;
}

const char *const *lw_chat_family_names(void)
{
    static const char *names[G_N_ELEMENTS(lw_chat_families)];
    static gsize ready;

    if (g_once_init_enter(&ready)) {
        for (gsize i = 0; lw_chat_families[i]; i++)
            names[i] = lw_chat_families[i]->name;
        g_once_init_leave(&ready, 1);
    }
    return names;
}

gboolean lw_chat_has(const char *text, gsize n, const char *part)
{
    return n > 0 && memmem(text, n, part, strlen(part)) != NULL;
}

/* ---- Dates ---- */

static void add_date_field(GString *s, GDateTime *d, char field)
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    static const char *const days[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};
    const char *month = months[g_date_time_get_month(d) - 1];
    const char *day = days[g_date_time_get_day_of_week(d) - 1];
    int hour = g_date_time_get_hour(d);

    switch (field) {
    case 'Y':
        g_string_append_printf(s, "%d", g_date_time_get_year(d));
        break;
    case 'y':
        g_string_append_printf(s, "%02d", g_date_time_get_year(d) % 100);
        break;
    case 'm':
        g_string_append_printf(s, "%02d", g_date_time_get_month(d));
        break;
    case 'd':
        g_string_append_printf(s, "%02d", g_date_time_get_day_of_month(d));
        break;
    case 'e':
        g_string_append_printf(s, "%2d", g_date_time_get_day_of_month(d));
        break;
    case 'j':
        g_string_append_printf(s, "%03d", g_date_time_get_day_of_year(d));
        break;
    case 'H':
        g_string_append_printf(s, "%02d", hour);
        break;
    case 'I':
        g_string_append_printf(s, "%02d", (hour + 11) % 12 + 1);
        break;
    case 'M':
        g_string_append_printf(s, "%02d", g_date_time_get_minute(d));
        break;
    case 'S':
        g_string_append_printf(s, "%02d", g_date_time_get_second(d));
        break;
    case 'p':
        g_string_append(s, hour < 12 ? "AM" : "PM");
        break;
    case 'B':
        g_string_append(s, month);
        break;
    case 'b':
        g_string_append_len(s, month, 3);
        break;
    case 'A':
        g_string_append(s, day);
        break;
    case 'a':
        g_string_append_len(s, day, 3);
        break;
    case 'F':
        for (const char *f = "Y-m-d"; *f; f++)
            *f == '-' ? (void)g_string_append_c(s, '-') : add_date_field(s, d, *f);
        break;
    case 'T':
        for (const char *f = "H:M:S"; *f; f++)
            *f == ':' ? (void)g_string_append_c(s, ':') : add_date_field(s, d, *f);
        break;
    case '%':
        g_string_append_c(s, '%');
        break;
    default: /* as it stands */
        g_string_append_c(s, '%');
        g_string_append_c(s, field);
    }
}

char *lw_chat_format_date(gint64 date, const char *format, gsize n)
{
    g_autoptr(GDateTime) d = date ? g_date_time_new_from_unix_local(date) : NULL;
    GString *s = g_string_new(NULL);

    if (!d)
        d = g_date_time_new_now_local();
    for (gsize i = 0; i < n; i++) {
        if (format[i] != '%' || i + 1 == n)
            g_string_append_c(s, format[i]);
        else
            add_date_field(s, d, format[++i]);
    }
    return g_string_free(s, FALSE);
}

/* ---- JSON strings ---- */

void lw_chat_add_json(lw_text_buf *out, lw_text t)
{
    gsize done = 0;

    lw_text_buf_add(out, "\"", 1, LW_ORIGIN_OUTSIDE);
    for (gsize i = 0; i < t.n; i++) {
        static const char named[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
        guint8 c = (guint8)t.bytes[i];
        const char *hit = c ? strchr(named, c) : NULL;
        char escape[8];

        if (t.origins[i] == LW_ORIGIN_MEDIA || (c >= 0x20 && !hit))
            continue;
        if (hit)
            g_snprintf(escape, sizeof escape, "\\%c", letters[hit - named]);
        else
            g_snprintf(escape, sizeof escape, "\\u%04x", c);
        lw_text_buf_append(out, lw_text_part(t, done, i - done));
        lw_text_buf_add(out, escape, strlen(escape), LW_ORIGIN_OUTSIDE);
        done = i + 1;
    }
    lw_text_buf_append(out, lw_text_part(t, done, t.n - done));
    lw_text_buf_add(out, "\"", 1, LW_ORIGIN_OUTSIDE);
}
