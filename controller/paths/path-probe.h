/* SPDX-License-Identifier: Apache-2.0
 *
 * The frame of a probe of a path between hosts: how it is made, and read when
 * it comes back.  Whoever may send on the underlay may send such frames, so
 * what comes back is believed by its nonce alone, and reading is fuzzed. */

#ifndef CONTROLLER_PATHS_PATH_PROBE_H
#define CONTROLLER_PATHS_PATH_PROBE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct path_probe {
    uint32_t sender;            /* Number of the host whose turn it is of. */
    uint16_t index;             /* In that turn. */
    uint64_t nonce;             /* Which nobody can guess. */
};

/* Writes a frame of 'size' bytes, at least VMN_PATH_FRAME_MIN, to 'frame'.
 * 'request': the host that gets it returns it to host 'return_to'; else it is
 * for vmnd. */
void path_probe_write(const struct path_probe *, bool request,
                      uint32_t return_to, uint8_t *frame, size_t size);

/* Reads the first 'size' bytes of a frame that is for vmnd.  Returns false if
 * it is none. */
bool path_probe_read(const uint8_t *frame, size_t size, struct path_probe *);

#endif /* controller/paths/path-probe.h */
