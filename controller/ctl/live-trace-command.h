/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl trace with --live.  For cmd-trace.c alone. */

#ifndef CONTROLLER_CTL_LIVE_TRACE_COMMAND_H
#define CONTROLLER_CTL_LIVE_TRACE_COMMAND_H 1

#include <jansson.h>

#include "controller/ctl/ctl.h"

/* Asks for a live trace by 'body', that of a trace, and shows it: CTL_DIFFERS
 * if the packet did not do as predicted. */
enum ctl_exit ctl_trace_live(struct ctl *, json_t *body);

#endif /* controller/ctl/live-trace-command.h */
