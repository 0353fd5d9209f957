package cases

var blocks = []Case{}
