package cases

var coinbases = []Case{}
