/* SPDX-License-Identifier: Apache-2.0
 *
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash.  Without the key,
 * and without seeing hashes, nobody can choose contents whose hashes, or sums
 * of hashes, collide.
 *
 * OpenSSL has it as well, but takes twice the time for inputs as short as a
 * flow, and not with FIPS providers. */

#ifndef CONTROLLER_SIPHASH_H
#define CONTROLLER_SIPHASH_H 1

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_SIZE 16

struct siphash_key {
    uint64_t words[2];
};

/* Loads a key from its bytes, the same on every machine. */
void siphash_key_init(struct siphash_key *,
                      const uint8_t bytes[SIPHASH_KEY_SIZE]);

/* Derives '*key' from 'master', a different one for each 'purpose', so that
 * hashes under one tell nothing about hashes under another. */
void siphash_key_derive(struct siphash_key *key,
                        const struct siphash_key *master,
                        const char *purpose);
/* Values of 'head', below, that siphash_key_derive() uses: this one and the
 * next. */
#define SIPHASH_HEAD_DERIVE UINT64_C(0x6b65792d6465726a)

/* Returns the hash of the eight bytes of 'head', in little-endian order, and
 * of 'size' bytes of 'data'.  'head' separates what is hashed for different
 * purposes. */
uint64_t siphash24(const struct siphash_key *, uint64_t head,
                   const void *data, size_t size);

/* Returns a hash under a random key of this process (SipHash-1-3, as tables of
 * Rust and Python use it): for buckets of hash tables whose keys a user, a
 * host or a guest chooses.  In all programs that link VMN_LIBS, the linker's
 * --wrap replaces hash_bytes() of libopenvswitch by its low half, also in
 * hash_string(), shash, smap, sset and JSON objects.  build-aux/check-hash
 * refuses other functions. */
uint64_t keyed_hash64(const void *, size_t size, uint32_t basis);

/* Returns a hash under a public key, the same on all machines: for numbers
 * that leave the process.  Not for buckets: an attacker can choose inputs
 * whose hashes share some bits. */
uint64_t stable_hash64(const void *, size_t size, uint32_t basis);

#endif /* controller/siphash.h */
