/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is told of pictures and films in the window, untranslated.
 */
#include "app/media-note.h"

#include <string.h>

#include "vision/lw-vision.h"

static const lw_vision_spec spec = {
    .patch_size = 14,
    .temporal_patch_size = 2,
    .merge_size = 2,
    .mean = {0.5f, 0.5f, 0.5f},
    .std = {0.5f, 0.5f, 0.5f},
    .min_pixels = 56 * 56,
    .max_pixels = 28 * 28 * 1280,
};

static void test_pictures(void)
{
    static const struct {
        int width, height;
        gint64 max_tokens;
        const char *note, *details;
    } cases[] = {
        {84, 56, 0, "6 tokens", "A picture of 84 by 56 pixels: the model looks at it as it is."},
        {1400, 1120, 0, "1,280 tokens",
         "A picture of 1400 by 1120 pixels: the model looks at it scaled to 1120 by 896."},
        {640, 480, 100, "88 tokens, made smaller to fit",
         "A picture of 640 by 480 pixels: the model looks at it scaled to 308 by 224.\n"
         "With more room it could look at 391 tokens of it."},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gsize n = (gsize)cases[i].width * (gsize)cases[i].height * 3;
        g_autofree guint8 *rgb = g_malloc0(n);
        const lw_vis_options options = {.max_tokens = cases[i].max_tokens};
        g_autoptr(GError) error = NULL;
        lw_media *m =
            lw_vis_open_rgb(rgb, cases[i].width, cases[i].height, "x", &spec, &options, &error);

        g_assert_no_error(error);
        g_autofree char *details = NULL, *text = lw_media_describe(m, &details);
        g_assert_cmpstr(text, ==, cases[i].note);
        g_assert_cmpstr(details, ==, cases[i].details);
        lw_media_unref(m);
    }
}

static void test_films(void)
{
    lw_media m = {.kind = LW_MEDIA_FILM,
                  .grid_t = 4,
                  .grid_h = 4,
                  .grid_w = 4,
                  .merge_size = 2,
                  .note = (char *)"another's",
                  .facts = {.width = 320,
                            .height = 240,
                            .shown_width = 56,
                            .shown_height = 56,
                            .seconds = 3.5,
                            .fps = 29.97,
                            .n_frames = 105,
                            .n_shown = 8,
                            .smaller = TRUE,
                            .fewer = TRUE}};
    g_autofree char *d1 = NULL, *both = lw_media_describe(&m, &d1);
    g_assert_cmpstr(both, ==, "16 tokens, smaller and fewer frames than usual to fit");
    g_assert_cmpstr(d1, ==,
                    "A film of 320 by 240 pixels, 3.5 seconds, 29.97 frames a second.\n"
                    "The model looks at 8 of its 105 frames, scaled to 56 by 56.");
    m.facts.fewer = FALSE;
    m.facts.repeated = TRUE;
    m.facts.cut_off = 7;
    g_autofree char *d2 = NULL, *other = lw_media_describe(&m, &d2);
    g_assert_cmpstr(other, ==,
                    "16 tokens, smaller frames than usual to fit, the file is cut off: 7 more frames are "
                    "missing");
    g_assert_true(g_str_has_suffix(d2, "\nIt looks at the last one twice: it takes them in pairs."));
    memset(&m.facts, 0, sizeof m.facts);
    g_autofree char *d3 = NULL, *none = lw_media_describe(&m, &d3);
    g_assert_cmpstr(none, ==, "another's");
    g_assert_null(d3);
}

int main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/media-note/pictures", test_pictures);
    g_test_add_func("/media-note/films", test_films);
    return g_test_run();
}
