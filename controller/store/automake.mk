# controller/store
controller_libvmn_la_SOURCES +=
