/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/gguf/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/lw-error.h"

/* What the signal handler may look at: static, lock-free, `start` 0 while the slot is not mapped. */
struct lw_mapping {
    atomic_bool taken;
    atomic_bool lost;
    atomic_uintptr_t start;
    atomic_size_t n_mapped; /* whole pages */
    gsize n;
};

static lw_mapping slots[LW_MAPPING_MAX];
static struct sigaction previous;
static gsize page_size;

/* Only async-signal-safe calls and atomics here (mmap is a plain system call on Linux). */
static void on_sigbus(int sig, siginfo_t *info, void *context)
{
    uintptr_t fault = (uintptr_t)info->si_addr;
    int saved = errno;

    for (gsize i = 0; i < LW_MAPPING_MAX; i++) {
        uintptr_t start = atomic_load(&slots[i].start);
        gsize n = atomic_load(&slots[i].n_mapped);
        uintptr_t page;

        if (start == 0 || fault < start || fault - start >= n)
            continue;
        page = fault & ~(uintptr_t)(page_size - 1);
        atomic_store(&slots[i].lost, true);
        if (mmap((void *)page, start + n - page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                 0) != MAP_FAILED) {
            errno = saved;
            return;
        }
    }

    /* Not ours: what would have happened without us.  Returning after the default action is restored
     * repeats the faulting read and ends the program in the usual way. */
    if ((previous.sa_flags & SA_SIGINFO) != 0) {
        previous.sa_sigaction(sig, info, context);
    } else if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN) {
        sigaction(SIGBUS, &previous, NULL);
        if (info->si_code <= 0) /* sent by kill(): there is no read to repeat */
            raise(sig);
    } else {
        previous.sa_handler(sig);
    }
    errno = saved;
}

static void install_handler(void)
{
    static gsize once;

    if (g_once_init_enter(&once)) {
        struct sigaction action = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_ONSTACK};

        page_size = (gsize)sysconf(_SC_PAGESIZE);
        sigemptyset(&action.sa_mask);
        sigaction(SIGBUS, &action, &previous);
        g_once_init_leave(&once, 1);
    }
}

static gboolean fail_errno(GError **error, const char *path, const char *what, int code)
{
    gboolean gone = code == ENOENT || code == ENOTDIR;

    g_set_error(error, LW_MODEL_ERROR, gone ? LW_MODEL_ERROR_NOT_FOUND : LW_MODEL_ERROR_IO,
                "%s: cannot %s: %s", path, what, g_strerror(code));
    if (gone)
        lw_error_set_facts(error, &(lw_error_facts){.kind = LW_FACTS_NO_FILE, .name = {(char *)path}});
    return FALSE;
}

static gboolean check_file(int fd, const char *path, gsize *n, GError **error)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return fail_errno(error, path, "read its size", errno);
    if (!S_ISREG(st.st_mode)) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_IO, "%s: not a regular file", path);
        return FALSE;
    }
    if (st.st_size <= 0) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_NOT_GGUF, "%s: the file is empty (0 bytes)",
                    path);
        lw_error_set_facts(error, &(lw_error_facts){.kind = LW_FACTS_EMPTY, .name = {(char *)path}});
        return FALSE;
    }
    if ((guint64)st.st_size > G_MAXSSIZE - page_size) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_IO,
                    "%s: %" G_GINT64_FORMAT " bytes cannot be mapped", path, (gint64)st.st_size);
        return FALSE;
    }
    *n = (gsize)st.st_size;
    return TRUE;
}

static lw_mapping *take_slot(void)
{
    for (gsize i = 0; i < LW_MAPPING_MAX; i++) {
        bool expected = false;

        if (atomic_compare_exchange_strong(&slots[i].taken, &expected, true))
            return &slots[i];
    }
    return NULL;
}

lw_mapping *lw_mapping_new(const char *path, GError **error)
{
    lw_mapping *m = NULL;
    void *p;
    gsize n = 0, n_mapped;
    int fd;

    install_handler();
    /* O_NONBLOCK: opening a FIFO must not wait for a writer. */
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        fail_errno(error, path, "open", errno);
        return NULL;
    }
    if (!check_file(fd, path, &n, error))
        goto out;

    m = take_slot();
    if (m == NULL) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_IO,
                    "%s: %d model files are open already, the limit", path, LW_MAPPING_MAX);
        goto out;
    }
    p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) {
        fail_errno(error, path, "map", errno);
        atomic_store(&m->taken, false);
        m = NULL;
        goto out;
    }
    n_mapped = (n + page_size - 1) & ~(page_size - 1);
    m->n = n;
    atomic_store(&m->lost, false);
    atomic_store(&m->n_mapped, n_mapped);
    atomic_store(&m->start, (uintptr_t)p);
out:
    close(fd);
    return m;
}

void lw_mapping_free(lw_mapping *m)
{
    void *p;

    if (m == NULL)
        return;
    p = (void *)atomic_load(&m->start);
    atomic_store(&m->start, 0);
    munmap(p, m->n);
    atomic_store(&m->taken, false);
}

const void *lw_mapping_bytes(const lw_mapping *m)
{
    return (const void *)atomic_load(&m->start);
}

gsize lw_mapping_size(const lw_mapping *m)
{
    return m->n;
}

gboolean lw_mapping_is_intact(const lw_mapping *m)
{
    return !atomic_load(&m->lost);
}
