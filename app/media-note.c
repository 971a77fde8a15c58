/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/media-note.h"

#include <glib/gi18n.h>

static void describe_picture(GString *s, const lw_media_facts *f, int tokens)
{
    if (f->width == f->shown_width && f->height == f->shown_height)
        g_string_append_printf(s, "%d×%d", f->width, f->height);
    else
        g_string_append_printf(s, "%d×%d → %d×%d", f->width, f->height, f->shown_width, f->shown_height);
    /* Translators: after the size of a picture, as are the next ones */
    g_string_append_printf(s, ngettext(", %d token", ", %d tokens", (gulong)tokens), tokens);
    if (f->free_tokens)
        g_string_append_printf(s, _(", made smaller to fit (the model could look at %d tokens)"),
                               (int)f->free_tokens);
    if (f->first_of_many)
        g_string_append(s, _(", first frame of an animation"));
}

static void describe_film(GString *s, const lw_media_facts *f, int tokens)
{
    /* Translators: a film: width×height, seconds, frames a second → frames seen of all, their size, tokens */
    g_string_append_printf(s,
                           _("%1$d×%2$d, %3$.1f s, %4$.4g fps → %5$d of %6$d frames at %7$d×%8$d, "
                             "%9$d tokens"),
                           f->width, f->height, f->seconds, f->fps, (int)f->n_shown, (int)f->n_frames,
                           f->shown_width, f->shown_height, tokens);
    if (f->smaller && f->fewer)
        g_string_append(s, _(", smaller and fewer frames than usual to fit"));
    else if (f->smaller)
        g_string_append(s, _(", smaller frames than usual to fit"));
    else if (f->fewer)
        g_string_append(s, _(", fewer frames than usual to fit"));
    if (f->repeated)
        g_string_append(s, _(", the last frame repeated"));
    if (f->cut_off)
        g_string_append_printf(s, _(", the file is cut off: %d more frames are missing"), (int)f->cut_off);
}

char *lw_media_describe(const lw_media *m)
{
    const lw_media_facts *f = &m->facts;
    int tokens = (int)lw_media_n_tokens(m);
    GString *s;

    if (!f->width) /* of somebody else's making */
        return g_strdup(m->note);
    s = g_string_new(NULL);
    if (m->kind == LW_MEDIA_FILM)
        describe_film(s, f, tokens);
    else
        describe_picture(s, f, tokens);
    return g_string_free(s, FALSE);
}
