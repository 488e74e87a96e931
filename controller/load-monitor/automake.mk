# controller/load-monitor
controller_libvmn_a_SOURCES += \
	controller/load-monitor/load-monitor.c \
	controller/load-monitor/load-monitor.h \
	controller/load-monitor/load-sources.c \
	controller/load-monitor/load-sources.h \
	controller/load-monitor/load-thresholds.c \
	controller/load-monitor/load-thresholds.h
