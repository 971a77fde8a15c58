/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The input is a model file, or a vision file when its architecture is "clip": everything between the reader
 * and the first computation.  Hyper-parameters, tensor shapes, vocabulary, chat template, graph.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "engine/lw-engine.h"
#include "engine/models/vision.h"
#include "tests/fuzz/fuzz.h"

/* The text models that a vision file may fit. */
static const lw_hparams text_models[] = {{.n_embd = 16}, {.n_embd = 16, .n_deepstack = 1}};

/* A file that never touches a disk; written anew for every input. */
static char *put_file(const uint8_t *data, size_t n)
{
    static int fd = -1;

    if (fd < 0)
        fd = memfd_create("fuzz-model", MFD_CLOEXEC);
    fuzz_require(fd >= 0 && ftruncate(fd, 0) == 0);
    fuzz_require(pwrite(fd, data, n, 0) == (ssize_t)n);
    return g_strdup_printf("/proc/self/fd/%d", fd);
}

static void check_model(lw_model *m)
{
    const lw_model_info *i = lw_model_get_info(m);

    fuzz_require(i->name != NULL && g_utf8_validate(i->name, -1, NULL));
    fuzz_require(i->n_layer >= 1 && i->n_layer <= LW_MAX_LAYERS);
    fuzz_require(i->head_dim >= 1 && i->head_dim <= LW_MAX_HEAD_DIM);
    fuzz_require(i->n_head >= 1 && i->n_head_kv >= 1 && i->n_head % i->n_head_kv == 0);
    fuzz_require(i->n_vocab >= 1 && i->n_ctx_train >= 1);
    fuzz_require((lw_model_info_kv_bytes_per_token(i, LW_KV_F16) > 0) != i->only_embeds && i->weight_bytes > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    lw_model_params params = {.mmproj = ""};
    g_autofree char *path = put_file(data, n);
    GError *error = NULL;
    lw_model *m = lw_model_open(path, &params, &error);

    fuzz_require((m == NULL) == (error != NULL));
    g_clear_error(&error);
    if (m != NULL)
        check_model(m);
    lw_model_unref(m);

    for (gsize i = 0; i < G_N_ELEMENTS(text_models); i++) {
        lw_vision *v = lw_vision_open(path, &text_models[i], &error);
        fuzz_require((v == NULL) == (error != NULL));
        g_clear_error(&error);
        lw_vision_free(v);
    }
    return 0;
}
