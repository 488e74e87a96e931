# controller/health
controller_libvmn_a_SOURCES += \
	controller/health/backend-up-down.c \
	controller/health/backend-up-down.h \
	controller/health/drain.c \
	controller/health/drain.h \
	controller/health/health.c \
	controller/health/health.h \
	controller/health/health-private.h \
	controller/health/health-status.c \
	controller/health/probe-places.c \
	controller/health/probe-rate.c \
	controller/health/probe-rate.h \
	controller/health/probe-result.c \
	controller/health/probe-targets.c \
	controller/health/prober-private.h \
	controller/health/prober.c \
	controller/health/prober.h \
	controller/health/health-commit.c \
	controller/health/health-commit.h \
	controller/health/host-silence.c \
	controller/health/host-silence.h \
	controller/health/monitored-ports.c \
	controller/health/standby-watch.c \
	controller/health/standby-watch.h
