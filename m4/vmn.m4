# SPDX-License-Identifier: Apache-2.0
# Configure checks of VMN's own.

# VMN_OVS_SOURCE
# Finds a built source tree of Open vSwitch 3.1 and sets OVS_CFLAGS, OVS_LIBS.
# Its headers come in by -isystem, since they do not pass our warnings.
AC_DEFUN([VMN_OVS_SOURCE], [
  AC_ARG_WITH([ovs-source],
    [AS_HELP_STRING([--with-ovs-source=DIR],
      [built source tree of Open vSwitch (build-aux/build-ovs makes one)])],
    [ovs_source=$withval], [ovs_source=])
  AS_IF([test -z "$ovs_source"],
    [AC_MSG_ERROR([give --with-ovs-source=DIR; build-aux/build-ovs makes such a tree and prints DIR])])
  AC_MSG_CHECKING([for libopenvswitch in $ovs_source])
  AS_IF([test -r "$ovs_source/lib/.libs/libopenvswitch.a" && test -r "$ovs_source/lib/ovsdb-idl.h"],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_ERROR([$ovs_source holds no built static libopenvswitch with its headers])])
  AS_IF([grep ovs_json_array "$ovs_source/include/openvswitch/json.h" >/dev/null && grep "hash_bytes(uuid" "$ovs_source/lib/uuid.h" >/dev/null], [],
    [AC_MSG_ERROR([$ovs_source has functions with the names of jansson's, or a hash of UUIDs without a key; build-aux/build-ovs makes a tree without, and prints its name])])
  OVS_CFLAGS="-isystem $ovs_source/include -isystem $ovs_source/lib -isystem $ovs_source"
  OVS_LIBS="$ovs_source/lib/.libs/libopenvswitch.a"
  for lib in "$ovs_source/lib/.libs/libopenvswitchavx512.a"; do
    AS_IF([test -r "$lib"], [OVS_LIBS="$OVS_LIBS $lib"])
  done
  # hash_bytes() is controller/siphash.c's, in the library's tables as well.
  OVS_LIBS="-Wl,--wrap=hash_bytes,--undefined=__wrap_hash_bytes $OVS_LIBS"
  OVS_LIBS="$OVS_LIBS -latomic -lm -lpthread"
  AC_SUBST([OVS_CFLAGS])
  AC_SUBST([OVS_LIBS])
  AC_SUBST([OVS_SOURCE], [$ovs_source])
])

# VMN_PAGE
# The page that vmnd serves: sets NODE and PAGE_MODULES, and WITH_PAGE;
# --without-page leaves it out.
AC_DEFUN([VMN_PAGE], [
  AC_ARG_WITH([page],
    [AS_HELP_STRING([--without-page], [vmnd serves no page, and none is built])],
    [], [with_page=yes])
  AC_ARG_WITH([page-modules],
    [AS_HELP_STRING([--with-page-modules=DIR],
      [what the page is built with (build-aux/page-modules installs it)])],
    [page_modules=$withval], [page_modules=])
  AS_IF([test "$with_page" != no], [
    AC_CHECK_PROGS([NODE], [node nodejs])
    AS_IF([test -z "$NODE"],
      [AC_MSG_ERROR([node is missing, with which the page is built; see also --without-page])])
    AC_MSG_CHECKING([for esbuild in $page_modules])
    AS_IF([test -r "$page_modules/node_modules/esbuild/package.json"],
      [AC_MSG_RESULT([yes])],
      [AC_MSG_RESULT([no])
       AC_MSG_ERROR([give --with-page-modules=DIR (build-aux/page-modules installs such a folder and prints DIR), or --without-page])])
  ])
  AM_CONDITIONAL([WITH_PAGE], [test "$with_page" != no])
  AC_SUBST([PAGE_MODULES], [$page_modules])
])

# VMN_WARNINGS
# The warnings of this project; --enable-werror makes them errors.
AC_DEFUN([VMN_WARNINGS], [
  AC_ARG_ENABLE([werror],
    [AS_HELP_STRING([--enable-werror], [warnings are errors])])
  VMN_WARN="-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes"
  VMN_WARN="$VMN_WARN -Wformat=2 -Wundef -Wvla -Wcast-qual -Wwrite-strings"
  VMN_WARN="$VMN_WARN -Wimplicit-fallthrough -Wpointer-arith -Wno-unused-parameter"
  AS_IF([test "$enable_werror" = yes], [VMN_WARN="$VMN_WARN -Werror"])
  AC_SUBST([VMN_WARN])
])

# VMN_SANITIZERS
# --enable-sanitizers: ASan and UBSan in everything of ours.
# --enable-fuzz: libFuzzer's targets (needs CC=clang).
AC_DEFUN([VMN_SANITIZERS], [
  AC_ARG_ENABLE([sanitizers],
    [AS_HELP_STRING([--enable-sanitizers], [build with ASan and UBSan])])
  AC_ARG_ENABLE([fuzz],
    [AS_HELP_STRING([--enable-fuzz], [build the fuzz targets (needs CC=clang)])])
  VMN_HARDEN="-fstack-protector-strong -fPIE"
  VMN_HARDEN_LDFLAGS="-pie -Wl,-z,relro -Wl,-z,now"
  AS_IF([test "$enable_sanitizers" = yes || test "$enable_fuzz" = yes], [
    VMN_SAN="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
  ], [
    VMN_HARDEN="$VMN_HARDEN -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"
  ])
  AS_IF([test "$enable_fuzz" = yes], [VMN_FUZZ_CFLAGS="-fsanitize=fuzzer-no-link"
    VMN_FUZZ_LDFLAGS="-fsanitize=fuzzer"])
  AM_CONDITIONAL([ENABLE_FUZZ], [test "$enable_fuzz" = yes])
  AM_CONDITIONAL([ENABLE_SANITIZERS], [test "$enable_sanitizers" = yes])
  AC_SUBST([VMN_SAN])
  AC_SUBST([VMN_HARDEN])
  AC_SUBST([VMN_HARDEN_LDFLAGS])
  AC_SUBST([VMN_FUZZ_CFLAGS])
  AC_SUBST([VMN_FUZZ_LDFLAGS])
])

# VMN_JEMALLOC
# --without-jemalloc: vmnd uses the C library's allocator.  It does so where
# sanitizers have one of their own.
AC_DEFUN([VMN_JEMALLOC], [
  AC_ARG_WITH([jemalloc],
    [AS_HELP_STRING([--without-jemalloc], [use the C library's allocator])])
  AS_IF([test "$enable_sanitizers" = yes || test "$enable_fuzz" = yes],
    [with_jemalloc=no])
  AS_IF([test "$with_jemalloc" != no], [
    PKG_CHECK_MODULES([JEMALLOC], [jemalloc >= 5])
    JEMALLOC_CFLAGS="$JEMALLOC_CFLAGS -DHAVE_JEMALLOC"
  ])
])
