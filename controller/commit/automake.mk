# controller/commit: the one way in for changes, and when they take effect.
controller_libvmn_a_SOURCES += \
	controller/commit/activity.c \
	controller/commit/activity.h \
	controller/commit/batching.c \
	controller/commit/batching.h \
	controller/commit/commit-follow.c \
	controller/commit/commit-group.c \
	controller/commit/commit-private.h \
	controller/commit/commit-queue.c \
	controller/commit/commit-quiescence.c \
	controller/commit/commit-unixctl.c \
	controller/commit/commit.c \
	controller/commit/commit.h \
	controller/commit/fiber.c \
	controller/commit/fiber.h \
	controller/commit/gathering.c \
	controller/commit/gathering.h \
	controller/commit/plan.c \
	controller/commit/plan.h \
	controller/commit/request-warnings.c \
	controller/commit/request-warnings.h
