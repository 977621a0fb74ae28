check_kubernetes() { :; }
