/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names that headers of the window mention before their files are read.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _LwAttention LwAttention;
typedef struct _LwAttachment LwAttachment;
typedef struct _LwChatOptions LwChatOptions;
typedef struct _LwChats LwChats;
typedef struct _LwConversation LwConversation;
typedef struct _LwEngineService LwEngineService;
typedef struct _LwMessage LwMessage;
typedef struct _LwModelLibrary LwModelLibrary;
typedef struct _LwSettings LwSettings;
typedef struct _LwStoreService LwStoreService;

#define LW_APP_ID "io.github.longwave.Longwave"
#define LW_RESOURCE_BASE "/io/github/longwave/Longwave"

G_END_DECLS
