/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The input is a manifest of Ollama's: whatever is accepted names files by plain digests.
 */
#include "engine/library/ollama.h"
#include "tests/fuzz/fuzz.h"

static void check_hex(const char *hex)
{
    fuzz_require(strlen(hex) == 64);
    fuzz_require(strspn(hex, "0123456789abcdef") == 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *model = NULL, *projector = NULL;
    GError *error = NULL;
    gboolean ok = lw_ollama_parse_manifest((const char *)data, n, &model, &projector, &error);

    fuzz_require(ok == (error == NULL) && ok == (model != NULL));
    g_clear_error(&error);
    if (ok)
        check_hex(model);
    if (projector != NULL)
        check_hex(projector);
    g_free(model);
    g_free(projector);
    return 0;
}
