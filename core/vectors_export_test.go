package core

// PushHistory appends a block to a history, for the vectors of docs/spec: the
// rules append only blocks that they connected.
func PushHistory(h *History, id Hash, work Work) { h.push(id, work) }
