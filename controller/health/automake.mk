# controller/health
controller_libvmn_a_SOURCES += \
	controller/health/check.c \
	controller/health/check.h \
	controller/health/gone.c \
	controller/health/gone.h \
	controller/health/health.c \
	controller/health/health.h \
	controller/health/pacing.c \
	controller/health/pacing.h \
	controller/health/prober.c \
	controller/health/prober.h \
	controller/health/rows.c \
	controller/health/rows.h \
	controller/health/timers.c \
	controller/health/timers.h
