/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/media-note.h"

#include <glib/gi18n.h>

#include "app/count.h"

static void describe_picture(GString *s, GString *details, const lw_media_facts *f)
{
    if (f->width == f->shown_width && f->height == f->shown_height)
        g_string_append_printf(details,
                               _("A picture of %1$d by %2$d pixels: the model looks at it as it is."),
                               f->width, f->height);
    else
        g_string_append_printf(details,
                               _("A picture of %1$d by %2$d pixels: the model looks at it scaled to %3$d by "
                                 "%4$d."),
                               f->width, f->height, f->shown_width, f->shown_height);
    if (f->free_tokens) {
        g_autofree char *all = lw_count(f->free_tokens);

        /* Translators: after a number of tokens, as are the next ones */
        g_string_append(s, _(", made smaller to fit"));
        g_string_append_c(details, '\n');
        /* Translators: a picture that was made smaller; a number of tokens */
        g_string_append_printf(details, _("With more room it could look at %s tokens of it."), all);
    }
    if (f->first_of_many)
        g_string_append(s, _(", first frame of an animation"));
}

static void describe_film(GString *s, GString *details, const lw_media_facts *f)
{
    g_autofree char *shown = lw_count(f->n_shown), *all = lw_count(f->n_frames);

    /* Translators: its width and height, how long it is, frames a second */
    g_string_append_printf(details,
                           _("A film of %1$d by %2$d pixels, %3$.1f seconds, %4$.4g frames a second."),
                           f->width, f->height, f->seconds, f->fps);
    g_string_append_c(details, '\n');
    /* Translators: of a film: numbers of frames, then width and height */
    g_string_append_printf(details,
                           _("The model looks at %1$s of its %2$s frames, scaled to %3$d by %4$d."), shown, all,
                           f->shown_width, f->shown_height);
    if (f->smaller && f->fewer)
        g_string_append(s, _(", smaller and fewer frames than usual to fit"));
    else if (f->smaller)
        g_string_append(s, _(", smaller frames than usual to fit"));
    else if (f->fewer)
        g_string_append(s, _(", fewer frames than usual to fit"));
    if (f->repeated) {
        g_string_append_c(details, '\n');
        g_string_append(details, _("It looks at the last one twice: it takes them in pairs."));
    }
    if (f->cut_off)
        g_string_append_printf(s, _(", the file is cut off: %d more frames are missing"), (int)f->cut_off);
}

char *lw_media_describe(const lw_media *m, char **details)
{
    const lw_media_facts *f = &m->facts;
    gint64 tokens = lw_media_n_tokens(m);
    g_autofree char *count = lw_count(tokens);
    GString *s, *more;

    *details = NULL;
    if (!f->width) /* of somebody else's making */
        return g_strdup(m->note);
    s = g_string_new(NULL);
    more = g_string_new(NULL);
    g_string_append_printf(s, ngettext("%s token", "%s tokens", (gulong)tokens), count);
    if (m->kind == LW_MEDIA_FILM)
        describe_film(s, more, f);
    else
        describe_picture(s, more, f);
    *details = g_string_free(more, FALSE);
    return g_string_free(s, FALSE);
}
