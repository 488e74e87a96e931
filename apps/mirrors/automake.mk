# mirrors: not one of those that vmnd has by itself.
app_LTLIBRARIES += apps/mirrors/mirrors.la
apps_mirrors_mirrors_la_SOURCES = \
	apps/mirrors/copied-copies.c \
	apps/mirrors/host-interface.c \
	apps/mirrors/mirror-type.c \
	apps/mirrors/mirror.c \
	apps/mirrors/mirrored-port.c \
	apps/mirrors/mirrored-rule.c \
	apps/mirrors/mirrors.c \
	apps/mirrors/mirrors.h
apps_mirrors_mirrors_la_CFLAGS = $(APPS_C)
apps_mirrors_mirrors_la_CPPFLAGS = $(APPS_CPP)
apps_mirrors_mirrors_la_LDFLAGS = $(APPS_LD)
EXTRA_DIST += apps/mirrors/mirrors-test.yaml
