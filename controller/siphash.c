/* SPDX-License-Identifier: Apache-2.0
 *
 * SipHash-2-4; see siphash.h.  Also vmn_keyed_hash() of
 * include/vmn/requests.h. */

#include <config.h>

#include "controller/siphash.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "compiler.h"
#include "hash.h"
#include "util.h"
#include "vmn/requests.h"

/* What vmn_keyed_hash() hashes. */
#define HEAD_APPS UINT64_C(0x6170702d68617368)

/* The key of keyed_hash64(), since the start of the process. */
static struct siphash_key process_key;

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t
rotate(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

static inline uint64_t
get_le64(const uint8_t *p)
{
    return ((uint64_t) p[7] << 56 | (uint64_t) p[6] << 48
            | (uint64_t) p[5] << 40 | (uint64_t) p[4] << 32
            | (uint64_t) p[3] << 24 | (uint64_t) p[2] << 16
            | (uint64_t) p[1] << 8 | p[0]);
}

/* SipRound: section 2 of the paper. */
static inline void
round_once(struct state *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 = rotate(s->v2, 32);
}

static inline void
put_word(struct state *s, uint64_t word, int n_rounds)
{
    s->v3 ^= word;
    for (int i = 0; i < n_rounds; i++) {
        round_once(s);
    }
    s->v0 ^= word;
}

void
siphash_key_init(struct siphash_key *key,
                 const uint8_t bytes[SIPHASH_KEY_SIZE])
{
    key->words[0] = get_le64(bytes);
    key->words[1] = get_le64(bytes + 8);
}

void
siphash_key_derive(struct siphash_key *key, const struct siphash_key *master,
                   const char *purpose)
{
    for (int i = 0; i < 2; i++) {
        key->words[i] = siphash24(master, SIPHASH_HEAD_DERIVE + i, purpose,
                                  strlen(purpose));
    }
}

/* SipHash-N_WORD-N_LAST. */
static inline uint64_t
siphash(const struct siphash_key *key, uint64_t head, const void *data,
        size_t size, int n_word, int n_last)
{
    uint64_t last = (uint64_t) (sizeof head + size) << 56;
    const uint8_t *p = data;
    struct state s = {
        /* "somepseudorandomlygeneratedbytes". */
        .v0 = key->words[0] ^ UINT64_C(0x736f6d6570736575),
        .v1 = key->words[1] ^ UINT64_C(0x646f72616e646f6d),
        .v2 = key->words[0] ^ UINT64_C(0x6c7967656e657261),
        .v3 = key->words[1] ^ UINT64_C(0x7465646279746573),
    };

    put_word(&s, head, n_word);
    for (; size >= 8; size -= 8, p += 8) {
        put_word(&s, get_le64(p), n_word);
    }
    for (size_t i = 0; i < size; i++) {
        last |= (uint64_t) p[i] << 8 * i;
    }
    put_word(&s, last, n_word);
    s.v2 ^= 0xff;
    for (int i = 0; i < n_last; i++) {
        round_once(&s);
    }
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t
siphash24(const struct siphash_key *key, uint64_t head, const void *data,
          size_t size)
{
    return siphash(key, head, data, size, 2, 4);
}

uint64_t
vmn_keyed_hash(const uint8_t key_bytes[VMN_PACKET_KEY_SIZE],
               const void *bytes, size_t size)
{
    struct siphash_key key;

    BUILD_ASSERT(VMN_PACKET_KEY_SIZE == SIPHASH_KEY_SIZE);
    siphash_key_init(&key, key_bytes);
    return siphash24(&key, HEAD_APPS, bytes, size);
}

/* Before any other constructor, which may fill a table.  By the system call:
 * apps' workers have no getrandom(). */
static void __attribute__((constructor(101)))
draw_process_key(void)
{
    if (syscall(SYS_getrandom, &process_key, sizeof process_key, 0)
        != sizeof process_key) {
        ovs_fatal(errno, "no random key for hash tables");
    }
}

uint64_t
keyed_hash64(const void *data, size_t size, uint32_t basis)
{
    return siphash(&process_key, basis, data, size, 1, 3);
}

uint64_t
stable_hash64(const void *data, size_t size, uint32_t basis)
{
    static const struct siphash_key public_key = { { 0, 0 } };

    return siphash24(&public_key, basis, data, size);
}

/* What the linker puts in the place of libopenvswitch's hash_bytes(). */
uint32_t __wrap_hash_bytes(const void *, size_t, uint32_t basis);
uint32_t
__wrap_hash_bytes(const void *data, size_t size, uint32_t basis)
{
    return keyed_hash64(data, size, basis);
}
