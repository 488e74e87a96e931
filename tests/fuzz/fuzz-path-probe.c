/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: probes of paths between hosts, as anybody on the underlay may
 * send them (controller/paths/path-probe.h).  What is read is what was
 * written. */

#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controller/paths/path-probe.h"
#include "vmn/vocabulary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool right)
{
    if (!right) {
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy that ends where the packet does. */
    uint8_t *copy = malloc(size ? size : 1);
    uint8_t frame[VMN_PATH_FRAME_MIN];
    struct path_probe probe, again;

    memcpy(copy, data, size);
    if (path_probe_read(copy, size, &probe)) {
        path_probe_write(&probe, false, 1, frame, sizeof frame);
        check(!memcmp(frame, copy, 6) && !memcmp(frame + 12, copy + 12, 20));
        check(path_probe_read(frame, sizeof frame, &again));
        check(again.sender == probe.sender && again.index == probe.index
              && again.nonce == probe.nonce);
        path_probe_write(&probe, true, 1, frame, sizeof frame);
        check(!path_probe_read(frame, sizeof frame, &again));
    }
    free(copy);
    return 0;
}
