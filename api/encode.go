package api

import "encoding/json"

// Lists are never null in JSON, so that a reader may range over them unseen:
// the types with lists say so here.

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// MarshalJSON implements [json.Marshaler].
func (s Status) MarshalJSON() ([]byte, error) {
	type plain Status
	s.Addrs, s.Warnings = orEmpty(s.Addrs), orEmpty(s.Warnings)
	return json.Marshal(plain(s))
}

// MarshalJSON implements [json.Marshaler].
func (i ID) MarshalJSON() ([]byte, error) {
	type plain ID
	i.Addrs = orEmpty(i.Addrs)
	return json.Marshal(plain(i))
}

// MarshalJSON implements [json.Marshaler].
func (b BlockDetail) MarshalJSON() ([]byte, error) {
	type plain BlockDetail
	b.Transactions = orEmpty(b.Transactions)
	return json.Marshal(plain(b))
}

// MarshalJSON implements [json.Marshaler].
func (t Tx) MarshalJSON() ([]byte, error) {
	type plain Tx
	t.Inputs, t.Outputs = orEmpty(t.Inputs), orEmpty(t.Outputs)
	return json.Marshal(plain(t))
}

// MarshalJSON implements [json.Marshaler].
func (v VerifyResult) MarshalJSON() ([]byte, error) {
	type plain VerifyResult
	v.Problems = orEmpty(v.Problems)
	return json.Marshal(plain(v))
}

// MarshalJSON implements [json.Marshaler].
func (t Topic) MarshalJSON() ([]byte, error) {
	type plain Topic
	t.Peers = orEmpty(t.Peers)
	return json.Marshal(plain(t))
}
