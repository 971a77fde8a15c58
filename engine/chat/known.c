/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Templates known by their text: SHA-256 of the text without white space at its end.  The families
 * were compared with these texts, run by jinja2, in tests/chat/compare-templates.py (with the texts
 * themselves, which are not ours to keep here).
 */
#include "engine/chat/family.h"

#include <string.h>

static const struct {
    const char *sha256;
    const lw_chat_family *family;
} known[] = {
    {"55b2f4a26ac9ee719330a61a0c39d9e538b0e9322212f048326318cff4f8674a",
     &lw_chat_chatml_qwen25}, /* Qwen2.5-7B-Instruct */
    {"87a2728cb8dc9fe424d624542f6060ec05a1d285ebbec578bb078900e33396b5",
     &lw_chat_chatml_qwen3}, /* Qwen3-0.6B */
    {"93c0e9aa3629bbd77e68dbc0f5621f6e6b23aa8d74b932595cdb8d64684526d7",
     &lw_chat_llama31}, /* Llama-3.1-8B, 3.3-70B */
    {"d82792f95932f1c9cef5c4bd992f171225e3bf8c7b609b4557c9e1ec96be819f",
     &lw_chat_llama32}, /* Llama-3.2-3B-Instruct */
    {"78d976a442bcde2f0be15aafbb8e3050e1104f86732266f68403251b89982a90",
     &lw_chat_phi3}, /* Phi-3.5-mini-instruct */
    {"ecd6ae513fe103f0eb62e8ab5bfa8d0fe45c1074fa398b089c93a7e70c15cfd6",
     &lw_chat_gemma}, /* gemma-2-2b-it */
};

const lw_chat_family *lw_chat_family_known(const char *text, gsize n)
{
    g_autofree char *sum = NULL;

    while (n > 0 && g_ascii_isspace(text[n - 1]))
        n--;
    sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, n);
    for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
        if (strcmp(known[i].sha256, sum) == 0)
            return known[i].family;
    }
    return NULL;
}
