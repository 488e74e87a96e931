# example: not built here, but out of tree by a test (and by its readers).
EXTRA_DIST += apps/example/Makefile.example apps/example/mailguard.c \
	apps/example/mailguard.lua apps/example/portguards.lua \
	apps/example/whoami.c
