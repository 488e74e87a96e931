# controller/engine
controller_libvmn_la_SOURCES +=
