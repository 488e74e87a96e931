/* SPDX-License-Identifier: Apache-2.0
 *
 * With this in front of it (gcc -include) each file is compiled that may have
 * been changed by tests/mutation/mutate: a mutant is there in the code and
 * sleeps, until the environment wakes one.  Not a part of any build but that
 * of tests/mutation/run.
 *
 * It includes nothing: what comes first in a file decides by macros what its
 * other headers declare. */

#ifndef TESTS_MUTATION_MUTANT_H
#define TESTS_MUTATION_MUTANT_H 1

extern char *getenv(const char *);
extern int atoi(const char *);
extern int open(const char *, int, ...);
extern int close(int);

/* Returns 1 if mutant 'id' is the one that VMN_MUTANT names, else 0.  With
 * VMN_MUTANTS_REACHED, a folder, leaves a file of that name there instead: so
 * a run of the tests tells which of them can notice which mutant. */
__attribute__((unused)) static int
vmn_mutant(int id, const char *name)
{
    static int active = -1;
    static const char *reached;

    if (active < 0) {
        const char *text = getenv("VMN_MUTANT");

        reached = getenv("VMN_MUTANTS_REACHED");
        active = text ? atoi(text) : 0;
    }
    if (reached) {
        char path[256];
        int i = 0, fd;

        while (reached[i] && i < 200) {
            path[i] = reached[i];
            i++;
        }
        path[i++] = '/';
        while (*name && i < 255) {
            path[i++] = *name++;
        }
        path[i] = '\0';
        fd = open(path, 0101, 0666);    /* O_WRONLY | O_CREAT, on Linux. */
        if (fd >= 0) {
            close(fd);
        }
    }
    return id == active;
}

#define MUTANT(ID) vmn_mutant(ID, #ID)

#endif /* tests/mutation/mutant.h */
