package cases

var orders = []Case{}
