package cases

var transactions = []Case{}
