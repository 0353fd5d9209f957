package cases

var signatures = []Case{}
