# controller/northbound: the JSON API.
controller_libvmn_la_SOURCES += \
	controller/northbound/northbound.h
