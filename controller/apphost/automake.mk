# controller/apphost
controller_libvmn_la_SOURCES +=
