/* SPDX-License-Identifier: Apache-2.0
 *
 * What fuzz targets have for main() in a build without libFuzzer: the inputs
 * of a target's corpus, and random changes of them, each once.  It takes no
 * compiler but that of all else, and finds what breaks a parser on inputs
 * that are known; it does not search for new ones, as libFuzzer does, which
 * sees what of the code an input reaches.
 *
 * usage: fuzz-NAME [FILE...]
 *
 * With FILEs these are the inputs, and are not changed; nothing is left, since
 * whoever names them has them.  In the environment SEED is what the changes go
 * by, and FUZZ_LEFT the folder where fuzz-NAME.input is left, in place of that
 * of the program: the input with which a target ends the process.
 *
 * Whether something has leaked is seen but once all are through, for it takes
 * long.  If so, all are tried again, with a look after each. */

#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

#include "util.h"

/* In the environment of the program that looks for leaks after each input. */
#define LOOK_AFTER_EACH "FUZZ_LOOK_AFTER_EACH"
/* How many inputs are made of those of a corpus, however many it has. */
#define N_CHANGED 2000
/* How many changes one of them has, and how long a piece of them is, at
 * most. */
#define MAX_CHANGES 4
#define MAX_PIECE 32
/* How long one gets; a file of the corpus may be longer. */
#define MAX_SIZE 4096

struct input {
    uint8_t *data;
    size_t size;
};

static struct input *inputs;
static size_t n_inputs;
/* Where the input that is tried stands; less than 0 if nowhere. */
static int left_fd = -1;
static size_t n_tried;
static bool looks_after_each;
/* main() ends the process, not what a target calls. */
static bool done;
static uint64_t rng_state;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void OVS_NO_RETURN
give_up(const char *path, int error)
{
    fprintf(stderr, "%s: %s\n", path, strerror(error));
    done = true;
    exit(2);
}

/* Whatever the status is, a target that calls exit() has failed. */
static void
check_done(void)
{
    if (!done) {
        fprintf(stderr, "the target has ended the process, with input %"
                PRIuSIZE"\n", n_tried);
        _exit(1);
    }
}

/* Returns true if memory has leaked, and says which. */
static bool
has_leaked(void)
{
#ifdef __SANITIZE_ADDRESS__
    return __lsan_do_recoverable_leak_check() != 0;
#else
    return false;
#endif
}

/* xorshift64*; 'n' is not 0. */
static size_t
rnd(size_t n)
{
    rng_state ^= rng_state >> 12;
    rng_state ^= rng_state << 25;
    rng_state ^= rng_state >> 27;
    return (rng_state * UINT64_C(0x2545f4914f6cdd1d) >> 33) % n;
}

/* Returns the length of a piece, which is 'max' at most. */
static size_t
rnd_piece(size_t max)
{
    size_t n = 1 + rnd(MAX_PIECE);

    return MIN(n, max);
}

static void
read_input(const char *path)
{
    struct input *input;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &st)) {
        give_up(path, errno);
    }
    if (!S_ISREG(st.st_mode)) {
        give_up(path, S_ISDIR(st.st_mode) ? EISDIR : ESPIPE);
    }
    inputs = xrealloc(inputs, (n_inputs + 1) * sizeof *inputs);
    input = &inputs[n_inputs++];
    input->size = st.st_size;
    input->data = xmalloc(input->size + 1);
    if (read(fd, input->data, input->size) != (ssize_t) input->size) {
        give_up(path, EIO);
    }
    close(fd);
}

static void
read_corpus(const char *folder)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort);

    if (n < 0) {
        give_up(folder, errno);
    }
    for (int i = 0; i < n; i++) {
        if (entries[i]->d_name[0] != '.') {
            char *path = xasprintf("%s/%s", folder, entries[i]->d_name);

            read_input(path);
            free(path);
        }
        free(entries[i]);
    }
    free(entries);
    if (!n_inputs) {
        give_up(folder, ENOENT);
    }
}

/* Gives the target the input, in memory of its own, that ends where it
 * ends. */
static void
try(const uint8_t *data, size_t size)
{
    uint8_t *copy = xmemdup(data, size);

#ifdef __SANITIZE_ADDRESS__
    /* No allocation has no bytes. */
    if (!size) {
        ASAN_POISON_MEMORY_REGION(copy, 1);
    }
#endif
    if (left_fd >= 0
        && (ftruncate(left_fd, 0)
            || pwrite(left_fd, data, size, 0) != (ssize_t) size)) {
        give_up("an input", EIO);
    }
    n_tried++;
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    if (looks_after_each && has_leaked()) {
        printf("input %"PRIuSIZE" has leaked\n", n_tried);
        _exit(1);
    }
}

/* Puts 'n' bytes of 'piece' in the place of 'n_old' ones at 'at'. */
static void
replace(struct input *to, size_t at, size_t n_old, const uint8_t *piece,
        size_t n)
{
    if (to->size - n_old + n > MAX_SIZE) {
        return;
    }
    memmove(&to->data[at + n], &to->data[at + n_old], to->size - at - n_old);
    memcpy(&to->data[at], piece, n);
    to->size += n - n_old;
}

/* Makes one change: of a bit, of a byte or a few to what is at the edge of
 * what their readers may take, or of a piece, which goes, comes twice, or
 * comes from another input. */
static void
change(struct input *to)
{
    static const uint8_t edges[] = { 0, 1, 0x7f, 0x80, 0xff, '"', '0', '{' };
    size_t at = rnd(to->size + 1), left = to->size - at;
    size_t n = rnd_piece(left);
    const struct input *other = &inputs[rnd(n_inputs)];
    uint8_t piece[MAX_PIECE] = { 0 };
    size_t from = rnd(other->size + 1);

    switch (rnd(6)) {
    case 0:
        if (left) {
            to->data[at] ^= 1 << rnd(8);
        }
        break;
    case 1:
        if (left) {
            to->data[at] = edges[rnd(sizeof edges)];
        }
        break;
    case 2:
        n = MIN(n, 8);
        memset(piece, rnd(2) ? 0xff : 0, n);
        replace(to, at, n, piece, n);
        break;
    case 3:
        replace(to, at, n, piece, 0);
        break;
    case 4:
        memcpy(piece, &to->data[at], n);
        replace(to, rnd(to->size + 1), 0, piece, n);
        break;
    default:
        n = rnd_piece(other->size - from);
        memcpy(piece, &other->data[from], n);
        replace(to, at, rnd(2) ? MIN(left, n) : 0, piece, n);
        break;
    }
}

static void
try_changed(const char *name)
{
    const char *seed = getenv("SEED");
    uint8_t buffer[MAX_SIZE + 1];

    rng_state = UINT64_C(0x9e3779b97f4a7c15)
                ^ (seed ? strtoull(seed, NULL, 10) : 1);
    rng_state += !rng_state;
    printf("%s: %d inputs that are changed by the seed %s\n", name, N_CHANGED,
           seed ? seed : "1");
    for (int i = 0; i < N_CHANGED; i++) {
        const struct input *one = &inputs[rnd(n_inputs)];
        struct input changed = { buffer, MIN(one->size, MAX_SIZE) };

        memcpy(buffer, one->data, changed.size);
        for (size_t n = 1 + rnd(MAX_CHANGES); n > 0; n--) {
            change(&changed);
        }
        try(changed.data, changed.size);
    }
}

/* Opens, empty, where the inputs that are tried stand.  Returns its path. */
static char *
open_left(const char *program, const char *name)
{
    const char *folder = getenv("FUZZ_LEFT");
    char *left = (folder ? xasprintf("%s/%s.input", folder, name)
                  : xasprintf("%s.input", program));

    left_fd = open(left, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0666);
    if (left_fd < 0) {
        give_up(left, errno);
    }
    printf("%s: what ends this is left in %s\n", name, left);
    return left;
}

/* Something has leaked: who does?  Does not return. */
static void OVS_NO_RETURN
look_after_each(char *argv[])
{
    printf("something has leaked: all are tried again, with a look after "
           "each\n");
    setenv(LOOK_AFTER_EACH, "yes", 1);
    execv("/proc/self/exe", argv);
    give_up("/proc/self/exe", errno);
}

int
main(int argc, char *argv[])
{
    const char *name = strrchr(argv[0], '/');
    char *left = NULL;

    name = name ? name + 1 : argv[0];
    looks_after_each = getenv(LOOK_AFTER_EACH) != NULL;
    setvbuf(stdout, NULL, _IOLBF, 0);
    atexit(check_done);
    for (int i = 1; i < argc; i++) {
        read_input(argv[i]);
    }
    if (argc == 1) {
        char *folder = xasprintf("%s/tests/fuzz/corpus/%s", TEST_SRCDIR,
                                 name + (strncmp(name, "fuzz-", 5) ? 0 : 5));

        read_corpus(folder);
        free(folder);
        left = open_left(argv[0], name);
    }
    for (size_t i = 0; i < n_inputs; i++) {
        try(inputs[i].data, inputs[i].size);
    }
    if (argc == 1) {
        try_changed(name);
    }
    printf("%s: %"PRIuSIZE" inputs tried\n", name, n_tried);
    if (!looks_after_each && has_leaked()) {
        look_after_each(argv);
    }
    if (left) {
        unlink(left);
        close(left_fd);
        free(left);
    }
    for (size_t i = 0; i < n_inputs; i++) {
        free(inputs[i].data);
    }
    free(inputs);
    done = true;
    return 0;
}
