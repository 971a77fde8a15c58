/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What this computer has that could run a model, for people: the processor, and graphics cards with the
 * reason why one is not used.  Looks at /sys and /proc only; no driver is loaded.  Any thread; a driver may
 * take its time to answer in /proc.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "AVX-512 VNNI, 8 processors".  Free with g_free(). */
char *lw_device_describe_cpu(void);

/* A sentence or two about graphics cards.  *backend: the name of a backend other than the processor that
 * works here (static), NULL: none does, and the text says why.  Free with g_free(). */
char *lw_device_describe_gpu(const char **backend);

/* The part of the above that reads a folder like /sys/bus/pci/devices: "AMD, Intel", "" when there is no
 * display controller.  A card of NVIDIA whose driver is loaded has its name in a folder like
 * /proc/driver/nvidia/gpus: "2 × NVIDIA H100 80GB HBM3".  Free with g_free(). */
char *lw_device_find_cards(const char *pci_folder, const char *nvidia_folder);

G_END_DECLS
