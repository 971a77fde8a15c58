/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is told of pictures and films in the window, untranslated, is what the vision module itself notes.
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
        const char *note;
    } cases[] = {
        {84, 56, 0, "84×56, 6 tokens"},
        {640, 480, 0, "640×480 → 644×476, 391 tokens"},
        {640, 480, 100,
         "640×480 → 308×224, 88 tokens, made smaller to fit (the model could look at 391 tokens)"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gsize n = (gsize)cases[i].width * (gsize)cases[i].height * 3;
        g_autofree guint8 *rgb = g_malloc0(n);
        const lw_vis_options options = {.max_tokens = cases[i].max_tokens};
        g_autoptr(GError) error = NULL;
        lw_media *m =
            lw_vis_open_rgb(rgb, cases[i].width, cases[i].height, "x", &spec, &options, &error);

        g_assert_no_error(error);
        g_autofree char *text = lw_media_describe(m);
        g_assert_cmpstr(text, ==, cases[i].note);
        g_assert_cmpstr(text, ==, m->note);
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
    g_autofree char *both = lw_media_describe(&m);
    g_assert_cmpstr(both, ==,
                    "320×240, 3.5 s, 29.97 fps → 8 of 105 frames at 56×56, 16 tokens, smaller and fewer "
                    "frames than usual to fit");
    m.facts.fewer = FALSE;
    m.facts.repeated = TRUE;
    m.facts.cut_off = 7;
    g_autofree char *other = lw_media_describe(&m);
    g_assert_true(g_str_has_suffix(other, ", 16 tokens, smaller frames than usual to fit, the last frame "
                                          "repeated, the file is cut off: 7 more frames are missing"));
    memset(&m.facts, 0, sizeof m.facts);
    g_autofree char *none = lw_media_describe(&m);
    g_assert_cmpstr(none, ==, "another's");
}

int main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/media-note/pictures", test_pictures);
    g_test_add_func("/media-note/films", test_films);
    return g_test_run();
}
