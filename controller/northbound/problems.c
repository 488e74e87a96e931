/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of problems for GET /v1/status, while it is collected.  Not for
 * which problems there are (system-health.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdarg.h>
#include <stdlib.h>

#include "controller/engine/engine.h"
#include "controller/schema/arena.h"
#include "util.h"

void
nb_problems_append(struct nb_problems *problems,
                   const struct engine_problem *problem)
{
    if (problems->n >= problems->allocated) {
        problems->problems = x2nrealloc(problems->problems,
                                        &problems->allocated,
                                        sizeof *problems->problems);
    }
    problems->problems[problems->n++] = *problem;
}

void
nb_problems_add(struct nb_problems *problems, const char *kind,
                const char *format, ...)
{
    struct engine_problem problem = { .kind = kind };
    va_list args;
    char *text;

    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);
    problem.detail = arena_strdup(problems->arena, text);
    free(text);
    nb_problems_append(problems, &problem);
}
