/* SPDX-License-Identifier: Apache-2.0
 *
 * vmnctl: the command line for vmnd's API. */

#include <config.h>

#include "controller/ctl/ctl.h"

int
main(int argc, char *argv[])
{
    return ctl_main(argc, argv, stdin, stdout, stderr);
}
