package main

import (
	"crypto/sha256"
	"encoding/binary"
	"math/big"

	"lukechampine.com/blake3"
)

type coin struct {
	outpoint
	Value    uint64 `json:",string"`
	Height   uint32
	Coinbase bool
	Kind     byte
	Hash     hexBytes
}

func (c *coin) encode() []byte {
	b := put(put(append([]byte(nil), c.TxID[:]...), uint64(c.Index), 4), c.Value, 8)
	flag := byte(0)
	if c.Coinbase {
		flag = 1
	}
	return append(append(put(b, uint64(c.Height), 4), flag, c.Kind), c.Hash...)
}

// accumulator is LtHash16 over a set of coins.
type accumulator [1024]uint16

func (a *accumulator) add(c *coin) {
	var stream [2048]byte
	blake3.DeriveKey(stream[:], "ingchain 2026-11-20 lthash16 coin v1", c.encode())
	for i := range a {
		a[i] += binary.LittleEndian.Uint16(stream[2*i:])
	}
}

func (a *accumulator) hash() hash {
	var b []byte
	for _, v := range a {
		b = put(b, uint64(v), 2)
	}
	return sha256.Sum256(b)
}

func coinHash(coins map[outpoint]coin) hash {
	var a accumulator
	for _, c := range coins {
		a.add(&c)
	}
	return a.hash()
}

func historyLeaf(id hash, work *big.Int) hash {
	return tagged("ingchain/history/leaf", id[:], work.FillBytes(make([]byte, 32)))
}

// historyRoot takes the leaves of all blocks from genesis.
func historyRoot(leaves []hash) hash {
	root := put(nil, uint64(len(leaves)), 4)
	for len(leaves) > 0 {
		size := 1
		for size*2 <= len(leaves) {
			size *= 2
		}
		peak := historyTree(leaves[:size])
		root, leaves = append(root, peak[:]...), leaves[size:]
	}
	return tagged("ingchain/history", root)
}

func historyTree(leaves []hash) hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	left, right := historyTree(leaves[:len(leaves)/2]), historyTree(leaves[len(leaves)/2:])
	return tagged("ingchain/history/node", left[:], right[:])
}

// state is what a valid block leaves.
type state struct {
	header
	parentTime uint64
	work       big.Int
	coins      map[outpoint]coin
	leaves     []hash // of the history
}

// commitment is what the header of a child must have in its state field.
func (s *state) commitment() hash {
	coins, root := coinHash(s.coins), historyRoot(s.leaves)
	return tagged("ingchain/state", coins[:], put(nil, uint64(len(s.coins)), 8), root[:])
}
