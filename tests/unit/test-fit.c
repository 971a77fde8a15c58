/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How much context fits, and what can be done when a conversation does not.
 */
#include "engine/session/fit.h"

#include <string.h>

#define MIB ((guint64)1 << 20)

/* A token takes 8 layers x K and V x 2 heads x 64 x 2 bytes = 4 KiB as f16, 2,176 bytes as q8_0. */
static lw_model_info some_model(void)
{
    return (lw_model_info){.name = "Some Model",
                           .file_bytes = 100 * (gint64)MIB,
                           .n_ctx_train = 32768,
                           .n_layer = 8,
                           .n_head_kv = 2,
                           .head_dim = 64};
}

static void test_context(void)
{
    lw_model_info m = some_model();
    g_autoptr(GError) error = NULL;
    guint32 n;

    g_assert_true(lw_fit_context(&m, 0, LW_KV_F16, 1000 * MIB, 2000 * MIB, &n, &error));
    g_assert_cmpuint(n, ==, 32768); /* what it was trained for */
    g_assert_true(lw_fit_context(&m, 0, LW_KV_F16, 150 * MIB, 2000 * MIB, &n, &error));
    g_assert_cmpuint(n, ==, 35 * 256); /* 0.9 * 150 - 100 = 35 MiB */
    g_assert_true(lw_fit_context(&m, 0, LW_KV_F32, 150 * MIB, 2000 * MIB, &n, &error));
    g_assert_cmpuint(n, ==, 35 * 128);
    g_assert_true(lw_fit_context(&m, 0, LW_KV_F16, 50 * MIB, 2000 * MIB, &n, &error));
    g_assert_cmpuint(n, ==, LW_FIT_MIN_CTX);
    /* Who asks gets it, unless the machine could never hold it. */
    g_assert_true(lw_fit_context(&m, 100000, LW_KV_F16, 50 * MIB, 2000 * MIB, &n, &error));
    g_assert_cmpuint(n, ==, 100000);
    g_assert_no_error(error);
    g_assert_false(lw_fit_context(&m, 1000000, LW_KV_F16, 50 * MIB, 2000 * MIB, &n, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY);
    g_assert_nonnull(strstr(error->message, "1000000"));
    g_clear_error(&error);
    g_assert_false(lw_fit_context(&m, 0, LW_KV_F16, 50 * MIB, 90 * MIB, &n, &error));
    g_assert_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY);
    g_assert_nonnull(strstr(error->message, "Some Model"));
}

/* Memory is what is there beside the weights, before LW_FIT_SHARE. */
static guint64 memory_for(guint64 mib)
{
    return (guint64)((double)((100 + mib) * MIB) / LW_FIT_SHARE) + 1;
}

static void test_choices(void)
{
    lw_model_info m = some_model();
    lw_fit_choices c;
    char *text;

    /* Room for 40,960 tokens of f16: the larger context is the answer. */
    lw_fit_choose(&m, 4096, LW_KV_F16, memory_for(160), 20000, &c);
    g_assert_cmpuint(c.n_needed, ==, 20000);
    g_assert_cmpuint(c.n_ctx, ==, 4096);
    g_assert_cmpuint(c.n_ctx_largest, ==, 40960);
    g_assert_true(c.larger_helps && !c.q8_helps && !c.beyond_training);
    text = lw_fit_choices_describe(&c);
    /* What would do, with some room, and not all that memory has. */
    g_assert_cmpstr(text, ==, "a context of 30,720 would hold it; or leave something out");
    g_assert_null(strstr(text, "q8_0"));
    g_free(text);

    /* The same, but longer than the model knows. */
    lw_fit_choose(&m, 4096, LW_KV_F16, memory_for(160), 40000, &c);
    g_assert_true(c.larger_helps && c.beyond_training);
    text = lw_fit_choices_describe(&c);
    g_assert_cmpstr(text, ==, "a context of 40,960 would hold it; the model was trained for 32,768 and may lose "
                              "the thread beyond; or leave something out");
    g_free(text);

    /* A machine with room for millions names a number that somebody can use; no more than the model knows. */
    lw_fit_choose(&m, 512, LW_KV_F16, memory_for(16000), 680, &c);
    g_assert_cmpuint(c.n_ctx_largest, >, 3000000);
    text = lw_fit_choices_describe(&c);
    g_assert_cmpstr(text, ==, "a context of 1,024 would hold it; or leave something out");
    g_free(text);
    lw_fit_choose(&m, 512, LW_KV_F16, memory_for(16000), 32000, &c);
    text = lw_fit_choices_describe(&c);
    g_assert_nonnull(strstr(text, " 32,768 would hold it"));
    g_free(text);

    /* Room for 10,240 of f16, 19,275 of q8_0. */
    lw_fit_choose(&m, 4096, LW_KV_F16, memory_for(40), 15000, &c);
    g_assert_true(!c.larger_helps && c.q8_helps);
    g_assert_cmpuint(c.n_ctx_largest_q8, ==, 40 * MIB / 2176 / 64 * 64);
    text = lw_fit_choices_describe(&c);
    g_assert_nonnull(strstr(text, "q8_0"));
    g_free(text);

    /* Too long for either, and for a cache that is q8_0 already. */
    lw_fit_choose(&m, 4096, LW_KV_F16, memory_for(40), 30000, &c);
    g_assert_true(!c.larger_helps && !c.q8_helps);
    text = lw_fit_choices_describe(&c);
    g_assert_nonnull(strstr(text, "left out"));
    g_free(text);
    lw_fit_choose(&m, 4096, LW_KV_Q8_0, memory_for(40), 30000, &c);
    g_assert_true(!c.larger_helps && !c.q8_helps);
    g_assert_cmpuint(c.n_ctx_largest_q8, ==, 0);
    text = lw_fit_choices_describe(&c);
    g_assert_null(strstr(text, "q8_0"));
    g_free(text);

    /* Heads that q8_0 cannot hold; no memory at all: never less than what the session has. */
    m.head_dim = 72;
    lw_fit_choose(&m, 4096, LW_KV_F16, 10 * MIB, 5000, &c);
    g_assert_cmpuint(c.n_ctx_largest, ==, 4096);
    g_assert_cmpuint(c.n_ctx_largest_q8, ==, 0);
    g_assert_true(!c.larger_helps && !c.q8_helps);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fit/context", test_context);
    g_test_add_func("/fit/choices", test_choices);
    return g_test_run();
}
