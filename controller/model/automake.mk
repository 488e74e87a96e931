# controller/model
controller_libvmn_la_SOURCES +=
