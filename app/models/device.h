/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What this computer has that could run a model, for people: the processor, and graphics cards with the
 * reason why one is not used.  Looks at /sys only; no driver is loaded.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "AVX-512 VNNI, 8 processors".  Free with g_free(). */
char *lw_device_describe_cpu(void);

/* A sentence or two about graphics cards.  *backend: the name of a backend other than the processor that
 * works here (static), NULL: none does, and the text says why.  Free with g_free(). */
char *lw_device_describe_gpu(const char **backend);

/* The part of the above that reads a folder like /sys/bus/pci/devices: "NVIDIA", "AMD, Intel", "" when
 * there is no display controller.  Free with g_free(). */
char *lw_device_find_cards(const char *pci_folder);

G_END_DECLS
