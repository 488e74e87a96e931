# controller/load
controller_libvmn_a_SOURCES += \
	controller/load/load.c \
	controller/load/load.h \
	controller/load/sources.c \
	controller/load/sources.h \
	controller/load/thresholds.c \
	controller/load/thresholds.h
