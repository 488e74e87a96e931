/* SPDX-License-Identifier: Apache-2.0
 *
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a hash with a secret key.  Who
 * does not know the key, and sees no hashes, cannot choose contents such that
 * their hashes, or sums of these, are what he likes.
 *
 * OpenSSL has it as well, at twice the time for what is as short as a flow,
 * and not where it is restricted to FIPS's algorithms. */

#ifndef CONTROLLER_SIPHASH_H
#define CONTROLLER_SIPHASH_H 1

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_SIZE 16

struct siphash_key {
    uint64_t words[2];
};

/* Takes the key from bytes, the same on every machine. */
void siphash_key_init(struct siphash_key *,
                      const uint8_t bytes[SIPHASH_KEY_SIZE]);

/* Makes '*key' of 'master', another one for each purpose, so that what is
 * hashed for one tells nothing of what is hashed for another. */
void siphash_key_derive(struct siphash_key *key,
                        const struct siphash_key *master,
                        const char *purpose);
/* Values of 'head', below, that siphash_key_derive() uses up: this one and the
 * next. */
#define SIPHASH_HEAD_DERIVE UINT64_C(0x6b65792d6465726a)

/* The hash of the eight bytes of 'head', the lowest first, and 'size' bytes of
 * 'data'.  'head' keeps apart what is hashed for different purposes. */
uint64_t siphash24(const struct siphash_key *, uint64_t head,
                   const void *data, size_t size);

#endif /* controller/siphash.h */
