# controller/paths
controller_libvmn_a_SOURCES += \
	controller/paths/host-pairs.c \
	controller/paths/path-domains.c \
	controller/paths/path-judging.c \
	controller/paths/path-measuring.c \
	controller/paths/path-probe.c \
	controller/paths/path-probe.h \
	controller/paths/path-suspects.c \
	controller/paths/path-turns.c \
	controller/paths/path-turns.h \
	controller/paths/path-window.c \
	controller/paths/path-window.h \
	controller/paths/paths.h \
	controller/paths/paths-private.h \
	controller/paths/paths-status.c
