# vmnctl
