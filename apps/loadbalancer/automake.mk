# loadbalancer
