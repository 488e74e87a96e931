# controller/northbound
controller_libvmn_la_SOURCES +=
