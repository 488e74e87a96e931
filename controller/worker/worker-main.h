/* SPDX-License-Identifier: Apache-2.0
 *
 * What the worker's files share.  Not for vmnd. */

#ifndef CONTROLLER_WORKER_WORKER_MAIN_H
#define CONTROLLER_WORKER_WORKER_MAIN_H 1

#include <stdbool.h>

struct ofpbuf;

/* Sends a message to vmnd.  Ends the process if vmnd is not there. */
void worker_send(struct ofpbuf *);

/* Receives messages, and computes what they ask for, until the answer to what
 * was sent has come.  Returns that; the caller frees it. */
struct ofpbuf *worker_wait_answer(void);

/* Sends a line for the app's log, unless the computation has written too many
 * already. */
void worker_log(const char *text);

/* Returns true once code of the app may run. */
bool worker_has_begun(void);

/* Tells vmnd why the process ends, and ends it. */
_Noreturn void worker_refuse(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

#endif /* controller/worker/worker-main.h */
