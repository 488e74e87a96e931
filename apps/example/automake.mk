# example: not built here, but out of tree by a test (and by its readers).
EXTRA_DIST += apps/example/Makefile.example apps/example/mailguard.c \
	apps/example/mailguard.lua apps/example/mailguard-test.yaml \
	apps/example/portguards.lua apps/example/portguards-test.yaml \
	apps/example/whoami.c apps/example/whoami-test.yaml
