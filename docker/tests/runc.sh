check_runc() { :; }
